"""Words that names of arguments are made of: who writes one of them meant it, and did not slip."""

from __future__ import annotations

from typing import Final

_WORDS: Final = """
abort absolute accept access account action active actor add additional address after again age agent all allow alpha
amount and angle answer any api append apply area arg args argument arguments array article artist asset at attach
auth author auto back bad bank bar base basic batch before begin beta bin bit block blue board body book bool boolean
border bot bottom box branch brand bucket budget buffer build bulk button buy by byte bytes cache call camera cancel
cap car card case cash cast category cell center chain change channel char chart chat check child choice city class
clean clear client clip clock close cloud code coin col color column command comment commit company complete cond
condition config content context continue copy core cost count country course cover create credit crop cross current
custom cut cycle daily dark data date day days debit debug deck deep default delay delete delta demo depth desc
description dest destination detail details device diet diff digit dir direction directory disable discount disk
display distance doc document domain done double down draft draw drive drop dry due duration each edge edit editor
effect email enable encoding end energy engine entry environment equal error event exact example except exclude exec
exit expand expire explain explanation export expression extra face factor fail false fast fee feed field fields file
filename files fill film filter final find fine first fit fix flag flags flat flight float floor flow fold folder
follow font food for force form format found frame free freq from front full func function game gap gas gate gender
get girl give global goal gold good grade grant graph gray green grid group grow guest guide half hand handle hash
have head header headers health heat height help here hide high home hook host hot hotel hour hours house html icon id
image import in include income index info inner input insert int intent interest interval into invoice is item items
job join json just keep key keys keyword keywords kind label land lang language large last lat late latitude layer
layout lead left len length less let level library life light like limit limits line lines link list lists lite load
loan local location lock log logic login logs lon long longitude loop lot loud low lower main major make male man map
mark market mask mass match max maximum media member memory menu message meta metadata meter method min minimum minor
minute minutes miss mix mode model money month months more mother motion mount mouse move movie much multi music must
mute name names near need nest net new news next nice night no node none normal not note notes null num number object
off offset ok old on once one only open operation option options or order origin other out outer output over own owner
pack page pages pair panel param parameter parameters parent part parts party pass password past paste patch path
paths pattern pause pay people per period person phone photo pick pipe place plan plane platform play player plot
point points policy pool pop port pos position post power pre prefix preset price print priority private process
product profile project prompt property protocol public pull purpose push put quality quantity query question queue
quick quiet quit quote race radius random range rank rate rates ratio raw reach read reader ready real reason
reasoning record recursive red ref refresh regex region reject relative remote remove rename repeat replace reply repo
report request required reset resolution resource response rest result results retry return reverse review right risk
road role roles room root rotate round route row rows rule rules run safe sale sales same sample save scale schedule
schema scope score screen script scroll search second seconds secret section security seed select self sell send
sender sent sequence series server service session set setting settings sex shape share sheet shift ship shop short
show shuffle side sign silent similar simple since single site size skip sleep slice slot slow small smart sort sound
source space span speed split spot stack staff stage stale star start state static stats status stay step steps stock
stop storage store str street strict string strip strong style subject submit suffix suggest sum summary super swap
switch symbol sync syntax system tab table tag tags take target task tasks tax team temp temperature template term
terms test text than that the theme then there think thinking this thought thread threshold tick ticket tie tier time
timeout times timestamp title to todo token tokens tone tool top topic total touch tour track trade train transform
tree trial trim trip true trust try turn two type types uid under undo unit units until up update upper uri url usage
use user username valid value values variable vehicle verbose version vertical via video view visible visit voice
volume vote wait wake walk wall warn watch water wave way web week weeks weight west what when where which white who
whole wide width wild wind window with word words work world wrap write wrong year years yes zip zone zoom
"""

WORDS: Final = frozenset(_WORDS.split())
