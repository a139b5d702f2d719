#!/usr/bin/env python3
"""Writes host/src/outbound/sign/signing-names.txt: the services of AWS whose signatures have another name than their variable
AWS_ENDPOINT_URL_<SERVICE>, or than their host. It goes by the service models of botocore: pip install botocore
"""
import gzip
import json
import pathlib

import botocore

TARGET = pathlib.Path(__file__).parent.parent / "host/src/outbound/sign/signing-names.txt"

# What other SDKs have as services of their own, or had.
OTHERS = {
    "cloudwatchevents": "events",
    "qldbsession": "qldb",
    "sagemakerruntimehttp2": "sagemaker",
    "transcribestreaming": "transcribe",
}
# Whoever calls it brings a token of its own.
NOT = {"participant.connect"}


def models():
    for folder in sorted((pathlib.Path(botocore.__file__).parent / "data").iterdir()):
        versions = sorted(folder.glob("*/service-2.json*"))
        if versions:
            newest = versions[-1]
            text = gzip.open(newest) if newest.suffix == ".gz" else open(newest, encoding="utf-8")
            yield json.load(text)["metadata"]


def main():
    variables, hosts = dict(OTHERS), {}
    for model in models():
        host = model["endpointPrefix"]
        name = model.get("signingName", host)
        variable = model["serviceId"].lower().replace(" ", "").replace("-", "").replace("_", "")
        variables.setdefault(variable, name)
        # A host of more labels could be a customer's.
        if host.count(".") < 2 and host not in NOT:
            hosts.setdefault(host, name)
    lines = [f"# By {pathlib.Path(__file__).name}, from botocore {botocore.__version__}"]
    # A variable has no hyphens, and the policy says where they are.
    plain = lambda name: name.replace("-", "")
    lines += [f"variable {v} {n}" for v, n in sorted(variables.items()) if plain(n) != v]
    lines += [f"host {h} {n}" for h, n in sorted(hosts.items()) if n != h]
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
