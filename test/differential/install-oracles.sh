#!/usr/bin/env bash
# Installs the verifiers of other people that the differential test compares Assay with, into .ci/tools/oracles: pypi-attestations by pip, sigstore-go and
# a reader of transparency logs by Go's own module client. Each needs its language to be here already; what cannot be had is said, and the test then skips it.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
TOOLS=$(cd ../.. && pwd)/.ci/tools/oracles
mkdir -p "$TOOLS"

if [ ! -x "$TOOLS/python/bin/python" ]; then
  { python3 -m venv "$TOOLS/python" && "$TOOLS/python/bin/pip" install --quiet --requirement requirements.txt; } || {
    echo "pypi-attestations could not be installed: the differential test goes without it"
    rm -rf "$TOOLS/python"
  }
fi
if [ ! -x "$TOOLS/sigstore-go" ]; then
  (cd sigstore-go && go build -trimpath -o "$TOOLS/sigstore-go" .) ||
    echo "sigstore-go could not be built: the differential test goes without it"
fi
if [ ! -x "$TOOLS/tlog-go" ]; then
  (cd tlog-go && go build -trimpath -o "$TOOLS/tlog-go" .) ||
    echo "tlog-go could not be built: the decision log is not read with Go's own packages"
fi
exit 0
