"""Validates SBOMs with the schema of CycloneDX: python validate.py FILE…"""

import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

validator = JsonStrictValidator(SchemaVersion.V1_6)
for name in sys.argv[1:]:
    if error := validator.validate_str(Path(name).read_text(encoding="utf-8")):
        sys.exit(f"{name}: {error}")
print(f"{len(sys.argv) - 1} SBOMs are valid")
