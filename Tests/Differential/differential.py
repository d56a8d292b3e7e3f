#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares `remit policy` with the reference engine of the policy language on random cases.

    differential.py REMIT [--cases N] [--seed S] [--only KIND] [--case NUMBER]

Needs `cedarpy`, the reference engine's Python binding (`make differential` installs it beside the build). Kinds:

    authorize   decision, reasons, erring policies; with and without a schema; policies, entities and requests as they come
    link        the same for templates, linked through the JSON form of a policy set
    validate    strict validation of policies
    syntax      mutated policy text: does it parse
    schema      mutated schema text: does it parse and resolve
    translate   policy text to JSON: the same tree

A disagreement is printed with its seed and number, which `--case` runs again alone. Exit status 1 if there was one.
"""

import argparse
import collections
import json
import random
import re
import subprocess
import sys

import cedarpy

from policies import Writer, mutated
from world import World, compact

KINDS = {"authorize": 40, "validate": 20, "link": 10, "syntax": 15, "schema": 8, "translate": 7}
BATCH = 1000


class Case:
    """One case: what is asked of `remit`, and what the reference engine says."""

    def __init__(self, seed, number, kind):
        self.number = number
        self.kind = kind
        self.rng = random.Random(f"{seed}/{number}/{kind}")
        self.world = World(self.rng)
        self.writer = Writer(self.world)
        self.question, self.expected = getattr(self, kind)()

    # ---- kinds

    def authorize(self):
        entities, request = self.world.entities(), self.world.request()
        policies = self.writer.policies()
        schema = self.world.schema_text() if self.rng.random() < 0.5 else None
        question = {"policies": policies, "entities": entities, "request": request}
        if schema is not None:
            question["schema"] = schema
        return question, decided(lambda: policies, entities, request, schema)

    def link(self):
        entities, request = self.world.entities(), self.world.request()
        text = "\n".join(self.writer.policy(slots=True) for _ in range(self.rng.randint(1, 4)))
        try:
            document = json.loads(cedarpy.policies_to_json_str(text))
        except ValueError:
            document = {"templates": {}, "staticPolicies": {}, "templateLinks": []}
        for template in list(document["templates"]):
            slots = [slot for slot in ("?principal", "?resource") if slot in compact(document["templates"][template])]
            for index in range(self.rng.randint(0, 2)):
                values = {slot: {"__entity": self.world.entity()} for slot in slots if self.rng.random() < 0.97}
                document["templateLinks"].append(
                    {"templateId": template, "newId": f"{template}-link{index}", "values": values}
                )
        question = {"policies": document, "entities": entities, "request": request}
        return question, decided(lambda: cedarpy.PolicySet.from_json_str(compact(document)), entities, request, None)

    def validate(self):
        policies, schema = self.writer.policies(), self.world.schema_text()
        return {"policies": policies, "schema": schema}, validated(policies, schema)

    def syntax(self):
        text = mutated(self.writer.policies(), self.rng)
        return {"policies": text, "entities": [], "request": REQUEST}, parsed(lambda: cedarpy.PolicySet.from_str(text))

    def schema(self):
        text = mutated(self.world.schema_text(), self.rng)
        return {"policies": "", "schema": text}, parsed(lambda: cedarpy.Schema.from_str(text))

    def translate(self):
        text = self.writer.policies()
        try:
            return {"policies": text, "to": "json"}, json.loads(cedarpy.policies_to_json_str(text))
        except ValueError:
            return {"policies": text, "to": "json"}, "error"


REQUEST = {
    "principal": {"type": "U", "id": "a"}, "action": {"type": "Action", "id": "v"}, "resource": {"type": "U", "id": "b"},
    "context": {},
}


def decided(policies, entities, request, schema):
    """What the reference engine decides: decision, reasons and erring policies, or `error`."""
    try:
        result = cedarpy.is_authorized(request, policies(), entities, schema)
    except (ValueError, TypeError):
        return "error"
    if result.decision == cedarpy.Decision.NoDecision:
        return "error"
    erring = [re.match(r"error while evaluating policy `(.*?)`:", error) for error in result.diagnostics.errors]
    if not all(erring):
        return "error"
    return {
        "decision": result.decision.value.lower(),
        "reason": sorted(result.diagnostics.reasons),
        "errors": sorted({match.group(1) for match in erring}),
    }


def validated(policies, schema):
    try:
        return "valid" if cedarpy.validate_policies(policies, schema).validation_passed else "invalid"
    except ValueError:
        return "invalid"


def parsed(parse):
    try:
        parse()
        return "parses"
    except ValueError:
        return "error"


def answered(kind, line):
    """What `remit` said, in the reference engine's terms."""
    answer = json.loads(line)
    if kind == "translate":
        return "error" if "error" in answer else answer["policies"]
    if kind == "validate":
        return "valid" if answer.get("valid") is True else "invalid"
    if "error" in answer:
        return "error"
    if kind in ("syntax", "schema"):
        return "parses"
    return {
        "decision": answer["decision"], "reason": sorted(answer["reason"]), "errors": sorted(set(answer["errors"])),
    }


def ask(remit, kind, cases):
    command = {"validate": "validate", "schema": "validate", "translate": "translate"}.get(kind, "authorize")
    lines = "".join(compact(case.question) + "\n" for case in cases)
    run = subprocess.run([remit, "policy", command, "--batch"], input=lines.encode(), capture_output=True, check=False)
    # Not splitlines(), which knows more line ends than JSON Lines has.
    answers = run.stdout.decode().split("\n")[:-1]
    if len(answers) < len(cases):
        # It stopped in the middle: the first case without an answer is the one that stopped it.
        culprit = cases[len(answers)]
        report(culprit, f"no answer (exit status {run.returncode}): {run.stderr.decode()[-500:]}")
        sys.exit(1)
    return answers


def report(case, answer):
    print(f"DISAGREEMENT {case.kind} {case.number}")
    print(json.dumps(case.question, ensure_ascii=False, indent=1))
    print(f"reference: {json.dumps(case.expected, ensure_ascii=False)}")
    print(f"remit:     {answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("remit")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--case", type=int)
    parser.add_argument("--show", type=int, default=5, help="how many disagreements to print whole")
    options = parser.parse_args()
    kinds = [options.only] if options.only else list(KINDS)
    tally, disagreements = collections.Counter(), 0
    for kind in kinds:
        count = options.cases if options.only else options.cases * KINDS[kind] // 100
        numbers = [options.case] if options.case is not None else range(count)
        for start in range(0, len(numbers), BATCH):
            cases = [Case(options.seed, number, kind) for number in numbers[start:start + BATCH]]
            for case, line in zip(cases, ask(options.remit, kind, cases)):
                answer = answered(kind, line)
                expected = case.expected
                seen = expected if isinstance(expected, str) else expected.get("decision", "tree")
                tally[f"{kind}: {seen}"] += 1
                if isinstance(expected, dict) and expected.get("errors"):
                    tally[f"{kind}: with errors of evaluation"] += 1
                if answer != expected:
                    disagreements += 1
                    if disagreements <= options.show:
                        report(case, line if answer == "error" else answer)
    for name, count in sorted(tally.items()):
        print(f"{count:8} {name}")
    print(f"{sum(n for name, n in tally.items() if 'with errors' not in name)} cases, {disagreements} disagreements")
    sys.exit(1 if disagreements else 0)


if __name__ == "__main__":
    main()
