"""A service's compiled readers, writers and checks; each service has its own, for two may give one name to different shapes."""

from __future__ import annotations

from functools import cache

from lambent.wire import forms, trees, xmltext
from lambent.wire.constraints import Checker

_OWN_WORDS = {
    "lambda": frozenset(
        {
            ("CreateFunctionRequest", "Runtime"),
            ("UpdateFunctionConfigurationRequest", "Runtime"),
            ("CreateFunctionUrlConfigRequest", "InvokeMode"),
            ("UpdateFunctionUrlConfigRequest", "InvokeMode"),
            ("CreateEventSourceMappingRequest", "StartingPosition"),
            ("PublishLayerVersionRequest", "CompatibleRuntimes"),
            ("PublishLayerVersionRequest", "CompatibleArchitectures"),
            ("PutFunctionRecursionConfigRequest", "RecursiveLoop"),
        }
    )
}
"""Members whose values a service checks itself, since AWS's answer isn't the one that their model gives."""


class Kit:
    """What turns one service's shapes into functions, and keeps them."""

    def __init__(self, service: str) -> None:
        self.json_reader = trees.Reader(binary=False)
        self.cbor_reader = trees.Reader(binary=True)
        self.json_writer = trees.Writer(binary=False)
        self.cbor_writer = trees.Writer(binary=True)
        self.xml_reader = xmltext.Reader()
        self.xml_writer = xmltext.Writer(milliseconds=service == "s3")
        self.form_reader = forms.Reader(ec2=False)
        self.ec2_reader = forms.Reader(ec2=True)
        self.checker = Checker(left_to_service=_OWN_WORDS.get(service, frozenset()))
        self.presence_checker = Checker(only_required=True)


@cache
def of(service: str) -> Kit:
    """Return the service's kit."""
    return Kit(service)
