"""Coverage-guided fuzzing of ``asyncflask/protocol`` with atheris: ``make fuzz``. Not a test."""
