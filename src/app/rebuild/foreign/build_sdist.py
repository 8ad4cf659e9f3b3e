"""Calls a hook of the build backend that a source names (PEP 517), and leaves what came of it in OUT.

Arguments: HOOK OUT SITE BACKEND BACKEND_PATH... HOOK is "requires" (get_requires_for_build_sdist, as JSON) or "build"
(build_sdist). SITE holds the build requirements. It runs where nothing else is installed: python3 -I -S.
"""

import importlib
import json
import os
import shutil
import sys
import tempfile


def main(hook, out, site, backend_name, *backend_path):
    source = os.getcwd()
    own = [os.path.join(source, folder) for folder in backend_path]
    sys.path[:0] = [*own, site]
    module_name, _, attributes = backend_name.partition(":")
    backend = importlib.import_module(module_name)
    for name in filter(None, attributes.split(".")):
        backend = getattr(backend, name)
    if hook == "requires":
        wanted = getattr(backend, "get_requires_for_build_sdist", lambda: [])()
        with open(os.path.join(out, "requires.json"), "w", encoding="utf-8") as file:
            json.dump(list(wanted), file)
        return
    made = tempfile.mkdtemp()
    name = backend.build_sdist(made)
    shutil.copyfile(os.path.join(made, os.path.basename(name)), os.path.join(out, "sdist"))


main(*sys.argv[1:])
