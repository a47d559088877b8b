"""Countries and bodies under all their names: a text says «norcoreano», a question «Corea del Norte» or "North Korea".

Lower-case text goes in, and comes out with one word for each of them. General knowledge, not tied to any corpus.
"""

import re
from collections import defaultdict
from functools import cache, lru_cache

# One line each: the word that stands for it = patterns of its Spanish names, demonyms and English names, all without
# accents and with a letter first; `@` is the ending of an adjective (o, a, os, as).
_TABLE = """
afganistan = afganistan, afgan@, afghans?, afghanistan
alemania = alemania, aleman(?:a|as|es)?, germany, germans?
arabiasaudi = arabia saudi(?:ta)?, saudies, saudi(?:ta)?s?, saudi arabia
argelia = argelia, argelin@, algerian?s?
argentina = argentina, argentin@, argentinians?
armenia = armenia, armeni@, armenians?
australia = australia, australian@, australians?
austria = austria, austriac@, austrians?
azerbaiyan = azerbaiyan, azeri(?:es|s)?, azerbaijan
belgica = belgica, belgas?, belgium, belgians?
bielorrusia = bielorrusia, bielorrus@, belarus, belarusians?
bolivia = bolivia, bolivian@, bolivians?
brasil = brasil, brasilen@, brazil, brazilians?
bulgaria = bulgaria, bulgar@, bulgarians?
canada = canada, canadiense(?:s)?, canadians?
chile = chile, chilen@, chileans?
china = republica popular (?:de )?china, china, chin@, chinese
colombia = colombia, colombian@, colombians?
coreadelnorte = corea del norte, norcorea, norcorean@, rpdc, dprk, north koreans?, north korea
coreadelsur = corea del sur, surcorea, surcorean@, sudcorea, sudcorean@, south koreans?, south korea
costarica = costa rica, costarricenses?, costa ricans?
croacia = croacia, croatas?, croatians?, croatia
cuba = cuba, cuban@, cubans?
dinamarca = dinamarca, dan(?:es|esa|eses|esas), denmark, danish
ecuador = ecuador, ecuatorian@, ecuadorians?
eeuu = estados unidos(?: de america)?, ee\\.? ?uu\\b\\.?, estadounidenses?, united states, u\\.s\\.a?\\.?
egipto = egipto, egipci@, egypt, egyptians?
escocia = escocia, escoces(?:a|as|es)?, scotland, scottish
eslovaquia = eslovaquia, eslovac@, slovakia, slovaks?
espana = espana, espanol(?:a|as|es)?, spain, spanish
estonia = estonia, estoni@, estonians?
filipinas = filipinas, filipin@, philippines
finlandia = finlandia, finland(?:es|esa|eses|esas), finland, finnish
francia = francia, franc(?:es|esa|eses|esas), france, french
georgia = georgia, georgian@, georgians?
grecia = grecia, grieg@, greece, greeks?
guatemala = guatemala, guatemaltec@, guatemalans?
hungria = hungria, hungar@, hungary, hungarians?
india = india, indi@, indians?
indonesia = indonesia, indonesi@, indonesians?
irak = irak, iraq, iraquies, iraqui, iraqis?
iran = iran, iranies, irani, iranians?
irlanda = irlanda, irland(?:es|esa|eses|esas), ireland, irish
israel = israel, israelies, israeli, israelis?
italia = italia, italian@, italy, italians?
japon = japon, japon(?:es|esa|eses|esas), nipon(?:a|as|es)?, japan, japanese
jordania = jordania, jordan@, jordanians?
kazajistan = kazaj(?:i|o)stan, kazaj@, kazakhstan
letonia = letonia, leton(?:a|as|es)?, latvians?, latvia
libano = libano, liban(?:es|esa|eses|esas), lebanon, lebanese
libia = libia, libi@, libyans?, libya
lituania = lituania, lituan@, lithuanians?, lithuania
marruecos = marruecos, marroqui(?:es)?, morocco, moroccans?
mexico = mexico, mejico, mexican@, mexicans?
noruega = noruega, norueg@, norway, norwegians?
onu = naciones unidas, onu, united nations, u\\.n\\.
otan = organizacion del tratado del atlantico norte, otan, nato
pakistan = pa[kq]u?istan, pa[kq]u?istani(?:es|s)?
palestina = palestina, palestin@, palestinians?, palestine
panama = panama, panamen@, panamanians?
peru = peru, peruan@, peruvians?
polonia = polonia, polac@, poland, polish
portugal = portugal, portugu(?:es|esa|eses|esas), portuguese
reinounido = reino unido, gran bretana, britanic@, united kingdom, british
rumania = rumania, ruman@, romanians?, romania
rusia = rusia, rus@, russians?, russia
serbia = serbia, serbi@, serbians?
siria = siria, siri@, syrians?, syria
sudafrica = sudafrica, sudafrican@, south africans?, south africa
suecia = suecia, suec@, sweden, swedish
suiza = suiza, suiz@, switzerland, swiss
taiwan = taiwan, taiwan(?:es|esa|eses|esas), taiwanese
turquia = turquia, turc@, turkey, turkish
ucrania = ucrania, ucranian@, ukrainians?, ukraine
ue = union europea, european union
uruguay = uruguay, uruguay@, uruguayans?
venezuela = venezuela, venezolan@, venezuelans?
vietnam = vietnam, vietnamitas?, vietnamese
zimbabue = zimbabu?we, zimbabue, zimbabuenses?, zimbabweans?
"""


_CLASSES = str.maketrans(
    {"a": "[aá]", "e": "[eé]", "i": "[ií]", "o": "[oó]", "u": "[uúü]", "n": "[nñ]", "@": "[oa]s?", " ": r"\s"}
)


def level(lowered: str) -> str:
    """A lower-case text with each country or body under one word, whatever name or demonym it had.

    >>> level("el líder norcoreano y los ee. uu. con japón")
    'el líder coreadelnorte y los eeuu con japon'
    """
    return _any_name().sub(lambda found: _word_for(found.group()), lowered)


@cache
def words() -> frozenset[str]:
    """The words that stand for a country or body."""
    return frozenset(_table())


@cache
def _table() -> dict[str, tuple[str, ...]]:
    """The patterns of each country or body, as they stand above, by the word for it."""
    lines = (line.split(" = ") for line in _TABLE.strip().splitlines())
    return {word: tuple(patterns.split(", ")) for word, patterns in lines}


@cache
def _any_name() -> re.Pattern[str]:
    # Sorted by first letter, so that at most words of a text a single comparison fails instead of hundreds.
    rests = defaultdict(list)
    for pattern in (pattern for patterns in _table().values() for pattern in patterns):
        rests[pattern[0]].append(pattern[1:].translate(_CLASSES))
    groups = (f"{letter.translate(_CLASSES)}(?:{'|'.join(rests[letter])})" for letter in sorted(rests))
    return re.compile(rf"\b(?:{'|'.join(groups)})(?!\w)")


@lru_cache(maxsize=4096)
def _word_for(name: str) -> str:
    return next(word for word, pattern in _one_word_each().items() if pattern.fullmatch(name))


@cache
def _one_word_each() -> dict[str, re.Pattern[str]]:
    return {word: re.compile("|".join(patterns).translate(_CLASSES)) for word, patterns in _table().items()}
