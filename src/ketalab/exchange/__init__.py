"""Exchange with other programs: ``tables`` in the form of NONMEM, ``sbml`` out. Import the room that is needed."""

__all__: list[str] = []
