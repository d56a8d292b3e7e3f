# SPDX-License-Identifier: Apache-2.0
"""Random policies over a world: mostly well typed, because nonsense fails early and tests little."""

from world import DATETIMES, DECIMALS, EXTENSIONS, LITERALS, LONGS, NAMES, PATTERNS, STRINGS, is_identifier, quoted

SIMPLE = ["Bool", "Long", "String", "decimal", "ip", "datetime", "duration"]


class Writer:
    """Writes policies for one request shape of a world."""

    def __init__(self, world):
        self.world = world
        self.rng = world.rng
        self.action = self.rng.choice(list(world.actions))
        shape = world.actions[self.action]
        self.principal = self.rng.choice(shape["principals"])
        self.resource = self.rng.choice(shape["resources"])
        self.context = shape["context"]

    # ---- literals

    def entity_text(self, type=None):
        uid = self.world.entity(type)
        return f"{uid['type']}::{quoted(uid['id'], rng=self.rng)}"

    def string(self):
        return quoted(self.rng.choice(STRINGS), rng=self.rng)

    def key(self):
        return self.rng.choice(NAMES)

    def literal(self, type, depth):
        rng = self.rng
        if isinstance(type, tuple):
            kind, argument = type
            if kind == "Entity":
                return self.entity_text(argument)
            if kind == "Set":
                count = rng.randint(0 if rng.random() < 0.1 else 1, 3)
                return "[" + ", ".join(self.expression(argument, depth - 1) for _ in range(count)) + "]"
            entries = []
            for name, (inner, required) in argument.items():
                if required or rng.random() < 0.5:
                    key = name if is_identifier(name) and rng.random() < 0.7 else quoted(name)
                    entries.append(f"{key}: {self.expression(inner, depth - 1)}")
            return "{" + ", ".join(entries) + "}"
        if type == "Bool":
            return rng.choice(["true", "false"])
        if type == "Long":
            number = rng.choice(LONGS) if rng.random() < 0.5 else rng.randint(-20, 20)
            return str(number)
        if type == "String":
            return self.string()
        text = rng.choice(LITERALS[type][:6] if rng.random() < 0.9 else LITERALS[type])
        return f"{type}({quoted(text)})"

    # ---- expressions

    def paths(self, type):
        """Ways to a value of this type from the variables."""
        found = []
        for root, record in (
            ("principal", self.world.attributes[self.principal]),
            ("resource", self.world.attributes[self.resource]),
            ("context", self.context),
        ):
            self.walk(root, record, type, found, 2)
        if type == ("Entity", self.principal):
            found.append(("principal", None))
        if type == ("Entity", self.resource):
            found.append(("resource", None))
        return found

    def walk(self, root, record, type, found, depth):
        for name, (inner, required) in record.items():
            access = f"{root}.{name}" if is_identifier(name) and self.rng.random() < 0.8 else f"{root}[{quoted(name)}]"
            guard = None if required else f"{root} has {name if is_identifier(name) else quoted(name)}"
            if inner == type:
                found.append((access, guard))
            elif depth and isinstance(inner, tuple) and inner[0] == "Record" and required:
                self.walk(access, inner[1], type, found, depth - 1)
            elif depth and isinstance(inner, tuple) and inner[0] == "Entity" and required:
                self.walk(access, self.world.attributes[inner[1]], type, found, depth - 1)

    def expression(self, type, depth):
        rng = self.rng
        if rng.random() < 0.01:
            type = rng.choice(SIMPLE)
        if depth <= 0 or rng.random() < 0.2:
            paths = self.paths(type)
            if paths and rng.random() < 0.7:
                access, guard = rng.choice(paths)
                if guard and type == "Bool" and rng.random() < 0.8:
                    return f"({guard} && {access})"
                if guard and rng.random() < 0.7:
                    return f"(if {guard} then {access} else {self.literal(type, 0)})"
                return access
            return self.literal(type, depth)
        if rng.random() < 0.08:
            return (
                f"(if {self.expression('Bool', depth - 1)} then {self.expression(type, depth - 1)} "
                f"else {self.expression(type, depth - 1)})"
            )
        if type == "Bool":
            return self.boolean(depth)
        if type == "Long":
            return self.long(depth)
        if type == "datetime" and rng.random() < 0.5:
            return rng.choice([
                f"{self.expression('datetime', depth - 1)}.offset({self.expression('duration', depth - 1)})",
                f"{self.expression('datetime', depth - 1)}.toDate()",
            ])
        if type == "duration" and rng.random() < 0.5:
            return rng.choice([
                f"{self.expression('datetime', depth - 1)}.durationSince({self.expression('datetime', depth - 1)})",
                f"{self.expression('datetime', depth - 1)}.toTime()",
            ])
        if rng.random() < 0.1 and self.principal in self.world.tags and self.world.tags[self.principal] == type:
            key = self.string()
            access = f"principal.getTag({key})"
            return access if rng.random() < 0.3 else f"(if principal.hasTag({key}) then {access} else {self.literal(type, 0)})"
        return self.literal(type, depth)

    def long(self, depth):
        rng, sub = self.rng, lambda: self.expression("Long", depth - 1)
        unit = rng.choice(["toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"])
        return rng.choice([
            lambda: f"({sub()} + {sub()})", lambda: f"({sub()} - {sub()})", lambda: f"({sub()} * {sub()})",
            lambda: f"-{sub()}", lambda: f"--({sub()})", lambda: f"{self.expression('duration', depth - 1)}.{unit}()",
        ])()

    def boolean(self, depth):
        rng = self.rng
        sub = lambda type: self.expression(type, depth - 1)
        entity = lambda: ("Entity", rng.choice(self.world.types))
        subject = rng.choice(["principal", "resource"])
        any_type = rng.choice(SIMPLE + [entity(), ("Set", "Long"), ("Set", "String")])
        other = any_type if rng.random() < 0.9 else rng.choice(SIMPLE)
        name = self.key()
        attribute = name if is_identifier(name) else quoted(name)
        element = rng.choice(SIMPLE + [entity()])
        return rng.choice([
            lambda: f"({sub('Bool')} && {sub('Bool')})",
            lambda: f"({sub('Bool')} || {sub('Bool')})",
            lambda: f"({sub('Bool')} && {sub('Bool')} && {sub('Bool')})",
            lambda: f"{'!' * rng.randint(1, 4)}({sub('Bool')})",
            lambda: f"({sub(any_type)} == {sub(other)})",
            lambda: f"({sub(any_type)} != {sub(other)})",
            lambda: f"({sub('Long')} {rng.choice(['<', '<=', '>', '>='])} {sub('Long')})",
            lambda: f"({sub('datetime')} {rng.choice(['<', '<=', '>', '>='])} {sub('datetime')})",
            lambda: f"({sub('duration')} {rng.choice(['<', '>='])} {sub('duration')})",
            lambda: f"{sub('decimal')}.{rng.choice(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'])}"
            f"({sub('decimal')})",
            lambda: f"{sub('ip')}.{rng.choice(['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'])}()",
            lambda: f"{sub('ip')}.isInRange({sub('ip')})",
            lambda: f"({sub('String')} like {self.pattern()})",
            lambda: f"({subject} has {attribute})",
            lambda: f"({sub(entity())} has {attribute})",
            lambda: f"(context has {attribute})",
            lambda: f"({subject} in {sub(entity())})",
            lambda: f"({sub(entity())} in [{sub(entity())}, {sub(entity())}])",
            lambda: f"(action in [{self.action_text()}, {self.action_text()}])",
            lambda: f"({subject} is {rng.choice(self.world.types)})",
            lambda: f"({subject} is {rng.choice(self.world.types)} in {sub(entity())})",
            lambda: f"{sub(('Set', element))}.contains({sub(element)})",
            lambda: f"{sub(('Set', element))}.containsAll({sub(('Set', element))})",
            lambda: f"{sub(('Set', element))}.containsAny({sub(('Set', element))})",
            lambda: f"{sub(('Set', element))}.isEmpty()",
            lambda: f"{subject}.hasTag({self.string()})",
            lambda: self.literal("Bool", depth),
        ])()

    def pattern(self):
        rng = self.rng
        if rng.random() < 0.5:
            pattern = rng.choice(PATTERNS)
            return '"' + pattern.replace("\n", "\\n") + '"'
        return quoted(rng.choice(STRINGS), rng=rng)

    def action_text(self):
        name = self.rng.choice(list(self.world.actions))
        return f"{self.world.action_type}::{quoted(name)}"

    # ---- policies

    def scope(self, variable, type, slots):
        rng = self.rng
        target = f"?{variable}" if slots and rng.random() < 0.7 else None
        parents = self.world.parents[type]
        return rng.choice([
            lambda: variable, lambda: variable, lambda: variable,
            lambda: f"{variable} == {target or self.entity_text(type)}",
            lambda: f"{variable} in {target or self.entity_text(rng.choice(parents) if parents else None)}",
            lambda: f"{variable} is {type}",
            lambda: f"{variable} is {type} in {target or self.entity_text(rng.choice(parents) if parents else None)}",
        ])()

    def action_scope(self):
        return self.rng.choice([
            lambda: "action", lambda: "action", lambda: f"action == {self.action_text()}",
            lambda: f"action in {self.action_text()}",
            lambda: f"action in [{', '.join(self.action_text() for _ in range(self.rng.randint(0, 2)))}]",
        ])()

    def policy(self, slots=False):
        rng = self.rng
        annotations = "".join(
            rng.choice(['@id("x") ', "@note ", '@if("é") ', '@a("") ']) for _ in range(1 if rng.random() < 0.2 else 0)
        )
        text = (
            f"{annotations}{rng.choice(['permit', 'permit', 'forbid'])} ({self.scope('principal', self.principal, slots)}, "
            f"{self.action_scope()}, {self.scope('resource', self.resource, slots)}"
            f"{',' if rng.random() < 0.05 else ''})"
        )
        for _ in range(rng.choice([0, 1, 1, 1, 2])):
            text += f"\n{rng.choice(['when', 'when', 'unless'])} {{ {self.expression('Bool', rng.randint(1, 4))} }}"
        return text + ";"

    def policies(self):
        rng = self.rng
        comment = lambda: "// é /* \n" if rng.random() < 0.1 else ""
        return "\n".join(comment() + self.policy(slots=rng.random() < 0.1) for _ in range(rng.randint(1, 6))) + "\n"


def mutated(text, rng):
    """The text with one or two things wrong, or only strange."""
    pieces = [
        "(", ")", "{", "}", "[", "]", ";", ",", ".", "::", '"', "\\", "!", "!!!!!", "-", "-----", "&&", "||", "==", "in", "is",
        "has", "like", "if", "then", "else", "?principal", "?x", "when", "@", "é", "\u00a0", "\0", "//", "9223372036854775808",
        "principal", "__cedar", "<", "?", "=", "enum", "tags", "namespace", "type", "entity", "action", "appliesTo",
    ]
    for _ in range(rng.randint(1, 2)):
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.randint(1, 4))
        text = rng.choice([
            lambda: text[:at] + text[end:],
            lambda: text[:at] + rng.choice(pieces) + text[at:],
            lambda: text[:at] + rng.choice(pieces) + text[end:],
            lambda: text[:at] + text[at:end] * 2 + text[end:],
            lambda: text[:at],
        ])()
    return text
