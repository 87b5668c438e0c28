"""How the shipped extractors were trained, as commands that train them again."""
