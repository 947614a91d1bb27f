"""Environments: their lifecycle, pools, contents and output. Decisions are pure (``lifecycle``, ``pool``, ``loglines``); ``host`` acts."""

from lambent.engine.environments.code import CodeCache
from lambent.engine.environments.shipping import LogShipper
from lambent.engine.environments.variables import RoleCredentials

__all__ = ["CodeCache", "LogShipper", "RoleCredentials"]
