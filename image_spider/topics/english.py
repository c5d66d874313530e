"""The forms of an English word, made from the word itself.

Forms are made once, of the words of the taxonomy, instead of stems at each image of the words beside it: nothing that
only looks like a plural ("glass", "news") or like a verb ("parking", "shipping", "training") is ever cut short.
"""

from __future__ import annotations

import re

_IRREGULAR = {
    "calf": "calves",
    "child": "children",
    "foot": "feet",
    "goose": "geese",
    "half": "halves",
    "hoof": "hooves",
    "knife": "knives",
    "leaf": "leaves",
    "life": "lives",
    "loaf": "loaves",
    "mouse": "mice",
    "person": "persons",
    "scarf": "scarves",
    "shelf": "shelves",
    "thief": "thieves",
    "tooth": "teeth",
    "wife": "wives",
    "wolf": "wolves",
}
_IRREGULAR_ENDS = re.compile(rf"({'|'.join(_IRREGULAR)})$")
_HISSES = ("s", "x", "z", "ch", "sh")
_NOT_MEN = ("human", "german", "roman", "shaman", "talisman", "ottoman")


def plurals(noun: str) -> set[str]:
    """Return the plural of a noun; both spellings where two are in use, or where only a dictionary could tell."""
    if irregular := _IRREGULAR_ENDS.search(noun):
        return {noun[: irregular.start()] + _IRREGULAR[irregular[1]]}
    if noun.endswith("man") and not noun.endswith(_NOT_MEN):
        return {noun[:-3] + "men"}
    if noun.endswith(_HISSES):
        return {noun + "es"}
    if re.search(r"[^aeiou]y$", noun):
        return {noun[:-1] + "ies"}
    if re.search(r"[^aeiou]o$", noun):
        return {noun + "s", noun + "es"}
    if noun.endswith(("cactus", "fungus", "bacterium")):
        return {noun, noun[:-2] + ("a" if noun.endswith("um") else "i")}
    return {noun + "s"}


def verb_forms(verb: str) -> set[str]:
    """Return the regular forms of a verb in -s, -ing and -ed.

    A last consonant after a single vowel is doubled ("jogging"); in words of several syllables, where the stress
    decides, both spellings are returned ("traveling", "travelling").
    """
    third_person = plurals(verb)
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return third_person | {verb[:-1] + "ing", verb + "d"}
    if re.search(r"[^aeiou]y$", verb):
        return third_person | {verb + "ing", verb[:-1] + "ied"}
    forms = {verb + "ing", verb + ("d" if verb.endswith("e") else "ed")}
    if re.search(r"[^aeiou][aeiou][^aeiouwxy]$", verb):
        doubled = {verb + verb[-1] + "ing", verb + verb[-1] + "ed"}
        forms = forms | doubled if len(re.findall(r"[aeiouy]+", verb)) > 1 else doubled
    return third_person | forms
