#!/usr/bin/env python3
"""Writes host/src/aws/services.txt: the services of AWS, with the names that they are signed for and their hosts.

The source of each row is the service's model in botocore (`pip install botocore`): the row names the model by its service id,
as AWS_ENDPOINT_URL_<SERVICE> does. The hosts are those of the model's endpoint rule set and of its operations' host prefixes.
Hosts that no model has are in host/src/aws/hosts.txt, which is kept by hand.
"""
import gzip
import itertools
import json
import pathlib
import re

import botocore

DATA = pathlib.Path(botocore.__file__).parent / "data"
TARGET = pathlib.Path(__file__).parent.parent / "host/src/aws/services.txt"

# Callers of these services bring a token, not a signature.
NOT = {"connectparticipant"}
# Hosts where the function's bucket is named, which may have dots.
BUCKET = "{Bucket}"


def read(path):
    text = gzip.open(path) if path.suffix == ".gz" else open(path, encoding="utf-8")
    return json.load(text)


def endpoints(rules):
    """All endpoints of a rule set."""
    if isinstance(rules, dict):
        if isinstance(rules.get("endpoint"), dict):
            yield rules["endpoint"]
        rules = list(rules.values())
    if isinstance(rules, list):
        for rule in rules:
            yield from endpoints(rule)


def pattern(url, domains):
    """The host of an endpoint, before its region and its domain; and the region that is written in it."""
    found = re.fullmatch(r"https://([^/]+)(/.*)?", url)
    if not found:
        return None
    host = re.sub(r"\{\w*[pP]artition\w*#(dnsSuffix|dualStackDnsSuffix)\}$", "amazonaws.com", found[1])
    domain = next((d for d in domains if host.endswith("." + d)), None)
    if domain is None:
        return None
    host = host[: -len(domain) - 1]
    host = re.sub(r"\{(\w+#)?(Region|region|implicitGlobalRegion)\}", "{}", host)
    host = re.sub(r"^" + re.escape(BUCKET), "**", host)
    host = re.sub(r"\{[^}]+\}", "*", host)
    host = re.sub(r"\*(-\*)+", "*", host)
    if host.startswith("*.*.*"):
        # The rest of a template whose labels depend on the operation.
        return None
    labels = [label.removesuffix("-fips").replace("-fips-", "-") for label in host.split(".")]
    labels = [label for label in labels if label not in ("dualstack", "fips")]
    while labels and labels[-1] in ("global", "us-gov"):
        labels.pop()
    region = None
    if labels and re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d", labels[-1]):
        region = labels.pop()
    elif labels and labels[-1] == "{}":
        labels.pop()
    return ".".join(labels), region


def main():
    partitions = read(DATA / "partitions.json")["partitions"]
    domains = {}
    for partition in partitions:
        outputs = partition["outputs"]
        for key in ("dnsSuffix", "dualStackDnsSuffix"):
            domains.setdefault(outputs[key], outputs["implicitGlobalRegion"])
    domains = dict(sorted(domains.items(), key=lambda domain: -len(domain[0])))
    rows, as_written = {}, set()
    for folder in sorted(DATA.iterdir()):
        versions = sorted(folder.glob("*/service-2.json*")) if folder.is_dir() else []
        if not versions:
            continue
        model = read(versions[-1])
        metadata = model["metadata"]
        if metadata.get("signatureVersion") not in ("v4", "s3v4", "s3"):
            continue
        prefix = metadata["endpointPrefix"]
        own = metadata.get("signingName", prefix)
        identity = re.sub(r"[ _-]", "", metadata["serviceId"].lower())
        if identity in NOT:
            continue
        hosts = rows.setdefault(identity, {}).setdefault(own, set())
        hosts.add(prefix)
        rule_sets = sorted(folder.glob("*/endpoint-rule-set-1.json*"))
        for endpoint in endpoints(read(rule_sets[-1])) if rule_sets else ():
            url = endpoint.get("url")
            found = isinstance(url, str) and pattern(url, domains)
            if not found:
                continue
            host, region = found
            schemes = endpoint.get("properties", {}).get("authSchemes", [{}])
            name = schemes[0].get("signingName", own)
            if any(scheme.get("disableDoubleEncoding") for scheme in schemes):
                as_written.add(name)
            if all(scheme.get("name") == "sigv4a" for scheme in schemes):
                host += "!"
            said = schemes[0].get("signingRegion")
            if said and "{" not in said and region not in (None, said):
                raise SystemExit(f"{identity}: {url} is signed for {said}, which the table cannot say")
            rows[identity].setdefault(name, set()).add(host)
        prefixes = {o["endpoint"]["hostPrefix"] for o in model["operations"].values() if "endpoint" in o}
        for before, host in itertools.product(prefixes, sorted(hosts)):
            if not host.startswith("*"):
                hosts.add(re.sub(r"\{[^}]+\}", "*", before) + host)
    lines = [f"# By {pathlib.Path(__file__).name}, from botocore {botocore.__version__}"]
    lines += [f".{domain} {region}" for domain, region in domains.items()]
    lines.append(f"/paths {' '.join(sorted(as_written))}")
    for identity, names in sorted(rows.items()):
        for name, hosts in sorted(names.items(), key=lambda row: (row[0] != min(names, key=len), row)):
            lines.append(f"{identity} {name} {' '.join(sorted(hosts))}")
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
