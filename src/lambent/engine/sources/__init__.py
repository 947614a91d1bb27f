"""Event source mappings: queues and streams are read for functions, through ``Cloud``, so that it makes no difference who serves them.

Pure: ``answers``, ``checkpoints``, ``failures``, ``filters``, ``records``, ``retries``, ``scaling``, ``shards``, ``windows``. Acting:
``sqs`` reads a queue, ``streams`` a stream by ``shard_worker`` and ``lanes``, ``supervisor`` follows the mappings. Not read: Kafka,
Amazon MQ, DocumentDB; streams by enhanced fan-out are read as all others are.
"""

from lambent.engine.sources.running import Tools
from lambent.engine.sources.supervisor import EventSources

__all__ = ["EventSources", "Tools"]
