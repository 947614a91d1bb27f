"""Floor 5: one package per AWS API, one module per family of operations. Services never import each other; they call through ``Cloud``."""
