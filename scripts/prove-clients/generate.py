"""Generates the client of openapi-python-client.

    python generate.py CONTRACT CLIENT

Up to 0.29.1 its template of models indents the parts of a form whose fields have names of their own too little, where a
field may have several files: the client is no Python. The template is mended before it is used.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import openapi_python_client

contract, client = sys.argv[1:]
template = Path(openapi_python_client.__file__).parent / "templates" / "model.py.jinja"
with tempfile.TemporaryDirectory() as folder:
    text = template.read_text().replace('"prop_name") | indent(4)', '"prop_name") | indent(12)')
    (Path(folder) / template.name).write_text(text)
    scripts = Path(sys.executable).parent
    subprocess.run(
        [scripts / "openapi-python-client", "generate", "--path", contract]
        + ["--output-path", client, "--overwrite", "--custom-template-path", folder],
        check=True,
        env={**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}"},
    )
