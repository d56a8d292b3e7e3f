# SPDX-License-Identifier: Apache-2.0
"""Random worlds for the policy language: a schema, entities that may or may not follow it, requests, and policies.

Everything is drawn from one `random.Random`, so a seed and a number name a case for ever.
"""

import json

# Texts that are different to Cedar, and that a library which compares by meaning takes for the same, or splits elsewhere.
STRINGS = [
    "", "a", "b", "é", "e\u0301", "Å", "A\u030a", "\u212b", "ﬁ", "fi", "\r\n", "\n", "\t", "\0", "😀", "👩\u200d👩\u200d👧", "*",
    "a*b", "\\", '"', "'", "ß", "SS", "ı", "I", "\u202e", "\ufeff", "１", "٣", "x" * 40, "\u007f", "\u2028", "a b", "_",
]
LONGS = [
    0, 1, -1, 2, 3, 7, 10, 100, -100, 2**31, -(2**31), 2**62, -(2**62), 2**63 - 1, -(2**63), 2**63 - 2, -(2**63) + 1,
]
DECIMALS = [
    "0.0", "1.0", "-1.0", "1.5", "1.50", "1.5000", "922337203685477.5807", "-922337203685477.5808", "0.0001", "-0.0001",
    "922337203685477.5808", "1.", ".5", "1.00000", "+1.0", "1", "00.1", "-0.0", " 1.0", "1.0e1", "",
]
ADDRESSES = [
    "127.0.0.1", "10.0.0.1", "10.0.0.1/24", "10.0.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "255.255.255.255", "224.0.0.1",
    "::1", "::", "::/0", "ff02::1", "2001:db8::/32", "2001:db8::1", "fe80::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4",
    "10.0.0.01", "10.0.0.1/33", "10.0.0.1/032", "1.2.3", "::1/129", "1::2::3", "", "10.0.0.1/", "2001:DB8::1", "127.0.0.0/8",
    "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "12345::", " 1.1.1.1", "1.1.1.1/0", "1.1.1.256",
]
DATETIMES = [
    "1970-01-01", "2024-02-29", "2023-02-29", "2024-10-15T11:38:02Z", "2024-10-15T11:38:02.101Z", "1969-12-31T23:59:59.999Z",
    "2024-10-15T11:38:02+0000", "2024-10-15T11:38:02-0730", "2024-10-15T11:38:02.101+2359", "2024-10-15T24:00:00Z",
    "2024-10-15T11:38:60Z", "0000-01-01", "9999-12-31", "2024-13-01", "2024-00-10", "2024-10-15T11:38:02z",
    "2024-10-15T11:38:02+05:30", "2024-10-15T11:38:02+2400", "2024-1-1", "", "2024-10-15T11:38Z", "-001-01-01",
]
DURATIONS = [
    "0ms", "1ms", "1s", "1m", "1h", "1d", "-1d", "1d2h3m4s5ms", "2h30m", "-1h", "1h1d", "1", "", "-", "1d-2h", "1.5h",
    "9223372036854775807ms", "-9223372036854775808ms", "9223372036854775808ms", "106751991167d", "106751991168d", "1ms1ms",
    "+1h", "00001s", "1S",
]
LITERALS = {"decimal": DECIMALS, "ip": ADDRESSES, "datetime": DATETIMES, "duration": DURATIONS}
EXTENSIONS = {"decimal": "decimal", "ip": "ipaddr", "datetime": "datetime", "duration": "duration"}
NAMES = ["n", "s", "flag", "ref", "refs", "rec", "tags1", "when", "in", "é", "a b", "", "type", "__x", "if"]
PATTERNS = ["*", "", "a*", "*b", "a*b", "\\*", "a\\**", "é*", "e\u0301", "*\n*", "?", "**", "*a*a*a*"]


def quoted(text, raw_probability=0.5, rng=None):
    """A string literal of the language."""
    out = []
    for c in text:
        if c in '"\\':
            out.append("\\" + c)
        elif c == "\n":
            out.append("\\n")
        elif c == "\r":
            out.append("\\r")
        elif c == "\t":
            out.append("\\t")
        elif c == "\0":
            out.append("\\0")
        elif rng is not None and rng.random() > raw_probability:
            out.append(f"\\u{{{ord(c):x}}}")
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


def is_identifier(name):
    reserved = {"true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"}
    return name.isascii() and name.isidentifier() and name not in reserved


class World:
    """One schema with everything that the language has, in random combination."""

    def __init__(self, rng):
        self.rng = rng
        self.namespace = rng.choice(["", "", "N", "N::M"])
        self.groups = [self.qualified(name) for name in ("Group", "Team")]
        self.users = [self.qualified("User"), self.qualified("Robot")]
        self.documents = [self.qualified("Doc"), self.qualified("Folder")]
        self.colour = self.qualified("Colour")
        self.types = self.groups + self.users + self.documents + [self.colour]
        self.parents = {
            self.users[0]: self.groups, self.users[1]: [self.groups[1]], self.groups[0]: self.groups,
            self.groups[1]: [], self.documents[0]: [self.documents[1]], self.documents[1]: [self.documents[1]],
            self.colour: [],
        }
        self.attributes = {
            name: {} if name == self.colour else self.record(rng.randint(0, 5)) for name in self.types
        }
        self.tags = {
            name: self.type(1) for name in self.types if name != self.colour and rng.random() < 0.4
        }
        self.actions = {}
        for name in ["view", "edit", "é dit", "admin"][: rng.randint(1, 4)]:
            self.actions[name] = {
                "principals": rng.sample(self.users, rng.randint(1, 2)),
                "resources": rng.sample(self.documents + [self.colour], rng.randint(1, 2)),
                "context": self.record(rng.randint(0, 4)),
                "in": [other for other in list(self.actions) if rng.random() < 0.3],
            }
        self.action_type = self.qualified("Action")

    def qualified(self, name):
        return f"{self.namespace}::{name}" if self.namespace else name

    # ---- types: a name, or (kind, argument)

    def type(self, depth):
        rng = self.rng
        simple = ["Bool", "Long", "String", "decimal", "ip", "datetime", "duration"]
        if depth > 0 and rng.random() < 0.35:
            if rng.random() < 0.6:
                return ("Set", self.type(depth - 1))
            return ("Record", self.record(rng.randint(0, 3), depth - 1))
        if rng.random() < 0.25:
            return ("Entity", rng.choice(self.types))
        return rng.choice(simple)

    def record(self, count, depth=2):
        return {
            name: (self.type(depth), self.rng.random() < 0.6) for name in self.rng.sample(NAMES, count)
        }

    def type_text(self, type):
        if isinstance(type, str):
            return {"ip": "ipaddr"}.get(type, type) if self.rng.random() < 0.7 else f"__cedar::{EXTENSIONS.get(type, type)}"
        kind, argument = type
        if kind == "Set":
            return f"Set<{self.type_text(argument)}>"
        if kind == "Entity":
            return argument
        return self.record_text(argument)

    def record_text(self, record):
        parts = []
        for name, (type, required) in record.items():
            key = name if is_identifier(name) and self.rng.random() < 0.7 else quoted(name)
            parts.append(f"{key}{'' if required else '?'}: {self.type_text(type)}")
        return "{" + ", ".join(parts) + (", " if parts and self.rng.random() < 0.2 else "") + "}"

    def schema_text(self):
        lines = [f"namespace {self.namespace} {{"] if self.namespace else []
        for name in self.types:
            short = name.split("::")[-1]
            if name == self.colour:
                lines.append(f'entity {short} enum ["red", "é", "e\u0301"];')
                continue
            line = f"entity {short}"
            if self.parents[name]:
                line += f" in [{', '.join(self.parents[name])}]"
            if self.attributes[name] or self.rng.random() < 0.3:
                line += (" = " if self.rng.random() < 0.3 else " ") + self.record_text(self.attributes[name])
            if name in self.tags:
                line += f" tags {self.type_text(self.tags[name])}"
            lines.append(line + ";")
        for name, action in self.actions.items():
            line = "action " + (name if is_identifier(name) else quoted(name))
            if action["in"]:
                line += " in [" + ", ".join(quoted(parent) for parent in action["in"]) + "]"
            line += f" appliesTo {{ principal: [{', '.join(action['principals'])}], "
            line += f"resource: [{', '.join(action['resources'])}], context: {self.record_text(action['context'])} }};"
            lines.append(line)
        if self.namespace:
            lines.append("}")
        return "\n".join(lines) + "\n"

    # ---- data

    def identifier(self, type):
        if type == self.colour:
            return self.rng.choice(["red", "é", "e\u0301"] + (["blue"] if self.rng.random() < 0.05 else []))
        return self.rng.choice(["a", "b", "c", "é", "e\u0301", ""])

    def entity(self, type=None):
        type = type or self.rng.choice(self.types)
        return {"type": type, "id": self.identifier(type)}

    def value(self, type, sloppy=0.006):
        """A value in the JSON form of data, sometimes of another type."""
        rng = self.rng
        if rng.random() < sloppy:
            type = self.type(1)
        if isinstance(type, tuple):
            kind, argument = type
            if kind == "Set":
                return [self.value(argument, sloppy) for _ in range(rng.randint(0, 3))]
            if kind == "Entity":
                entity = self.entity(argument)
                return {"__entity": entity} if rng.random() < 0.8 else entity
            return {
                name: self.value(inner, sloppy)
                for name, (inner, required) in argument.items()
                if required or rng.random() < 0.5
            }
        if type == "Bool":
            return rng.random() < 0.5
        if type == "Long":
            return rng.choice(LONGS)
        if type == "String":
            return rng.choice(STRINGS)
        text = rng.choice(LITERALS[type][:6] if rng.random() < 0.99 else LITERALS[type])
        return {"__extn": {"fn": type, "arg": text}} if rng.random() < 0.9 else text

    def entities(self):
        rng = self.rng
        out, seen = [], set()
        for _ in range(rng.randint(0, 10)):
            uid = self.entity()
            if (uid["type"], uid["id"]) in seen and rng.random() < 0.98:
                continue
            seen.add((uid["type"], uid["id"]))
            allowed = self.parents[uid["type"]] if rng.random() < 0.98 else self.types
            parents = [self.entity(rng.choice(allowed)) for _ in range(rng.randint(0, 3))] if allowed else []
            # Mostly acyclic: a parent of the same type has a smaller name.
            parents = [p for p in parents if p["type"] != uid["type"] or p["id"] < uid["id"] or rng.random() < 0.01]
            entry = {
                "uid": uid if rng.random() < 0.8 else {"__entity": uid}, "parents": parents,
                "attrs": self.value(("Record", self.attributes[uid["type"]])),
            }
            if uid["type"] in self.tags and rng.random() < 0.7:
                entry["tags"] = {rng.choice(STRINGS): self.value(self.tags[uid["type"]]) for _ in range(2)}
            out.append(entry)
        return out

    def request(self):
        rng = self.rng
        name = rng.choice(list(self.actions))
        action = self.actions[name]
        sloppy = rng.random() < 0.05
        return {
            "principal": self.entity(rng.choice(self.types if sloppy else action["principals"])),
            "action": {"type": self.action_type, "id": "nothing" if rng.random() < 0.02 else name},
            "resource": self.entity(rng.choice(self.types if sloppy else action["resources"])),
            "context": self.value(("Record", action["context"])),
        }


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
