"""Says what pypi-attestations, and the sigstore library under it, make of a document.

Reads one request a line and answers one line, both JSON, as `oracle.ts` describes them. Never asks the network: the trust root comes with each request.
"""

import functools
import json
import sys
from base64 import b64decode
from unittest import mock

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from pypi_attestations import Attestation, Distribution, Provenance
from sigstore.hashes import Hashed
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy
from sigstore_models.common.v1 import HashAlgorithm

ANYBODY = policy.UnsafeNoOp()


class Inapplicable(Exception):
    """The tool has no notion of such a document, so its answer would say nothing."""


@functools.cache
def verifier_of(root):
    return Verifier(trusted_root=TrustedRoot.from_file(root))


def judge(request):
    document = b64decode(request["document"])
    verifier = verifier_of(request["root"])
    if request["kind"] == "bundle":
        return judge_bundle(document, verifier, request["digests"])
    # pypi-attestations makes its verifier itself, from a cache that the network fills.
    with mock.patch.object(Verifier, "production", lambda **_: verifier):
        return judge_attestations(request["kind"], document, request)


def judge_attestations(kind, document, request):
    archive = Distribution(name=request["file"], digest=request["digests"]["sha256"])
    if kind == "attestation":
        Attestation.model_validate_json(document).verify(ANYBODY, archive, offline=True)
        return
    verified = 0
    for bundle in Provenance.model_validate_json(document).attestation_bundles:
        for attestation in bundle.attestations:
            attestation.verify(bundle.publisher, archive, offline=True)
            verified += 1
    if verified == 0:
        raise ValueError("there is no attestation")


def judge_bundle(document, verifier, digests):
    refuse_unsupported(json.loads(document)["verificationMaterial"])
    bundle = Bundle.from_json(document)
    key = bundle.signing_certificate.public_key()
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise Inapplicable("it verifies by ECDSA with SHA-256 only, whatever the key")
    if bundle._dsse_envelope is None:
        digest = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(digests["sha256"]))
        verifier.verify_artifact(digest, bundle, ANYBODY)
        return
    kind, payload = verifier.verify_dsse(bundle, ANYBODY)
    # What the library leaves to its callers, in its simplest form.
    if kind != "application/vnd.in-toto+json":
        raise ValueError("the payload is no statement")
    subjects = json.loads(payload)["subject"]
    if not any(digests.get(name) == value for subject in subjects for name, value in subject["digest"].items()):
        raise ValueError("no subject has the digest")


def refuse_unsupported(material):
    if "publicKey" in material:
        raise Inapplicable("keys without a certificate are not supported")
    if any(entry["kindVersion"]["kind"] == "intoto" for entry in material["tlogEntries"]):
        raise Inapplicable("log entries of type intoto are not supported")


def answer(request):
    try:
        judge(request)
        return {"verdict": "accept", "reason": ""}
    except Inapplicable as why:
        return {"verdict": "inapplicable", "reason": str(why)}
    # Some of its refusals are panics of a library in Rust, which are no Exceptions.
    except BaseException as why:
        if isinstance(why, KeyboardInterrupt):
            raise
        return {"verdict": "refuse", "reason": f"{type(why).__name__}: {why}"[:300]}


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"id": request["id"], **answer(request)}), flush=True)
