"""The demo's own tasks and answers, written for it; nothing here is advice to anybody."""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

AGREEMENT: Final = """# Confidentiality agreement

This agreement is between you and the client who is known here by the code name **{code_name}**.

## 1. What is confidential
Everything you are shown in a task, what you write in answer, and that the client buys such work.

## 2. What you promise
You use it for the task in front of you and for nothing else. You do not copy it, show it, or put it into any other
service, a language model included. You do not look for the client's name.

## 3. How long
These promises last for three years after your last task, and for personal data about patients or parties for ever.

## 4. What stays free
What you knew before, what is public without your doing, and your right to speak to a court, an authority or a doctor.

## 5. If something goes wrong
Tell the trust desk at once. Somebody reads it the same day.
"""

GUIDELINES: Final = {
    "factuality": """## What to mark
Mark the **smallest stretch of words** that is wrong by itself. A claim that needs a source and has none is *unsupported*.

1. Read the question first, then the whole reply once without marking.
2. Give evidence with each mark: a guideline, a label, a textbook chapter. A sentence is enough.
3. If the reply would lead a reader to do harm, the verdict is *would mislead a reader*, however few the marks.
""",
    "demonstration": """## What a good answer is
Write what you would send to a capable colleague who must act today.

* Start with the answer, then the reasons.
* Name the rule and where it is found. Do not guess at a citation: say that it should be checked.
* Say what you do not know.
""",
    "creative": """## What we look for
A piece that could only have been written by you. Plain words before fine ones.

* Keep to the brief's length.
* One place, one afternoon, somebody who wants something.
""",
}


def factuality(prompt: str, response: str, *marks: tuple[str, str, str, str]) -> tuple[Json, Json]:
    """Return a task and its answer; each mark is (words, label, evidence, correction)."""
    spans = [
        {
            "start": response.index(words),
            "end": response.index(words) + len(words),
            "label": label,
            "text": words,
            "evidence": evidence,
            "correction": correction,
        }
        for words, label, evidence, correction in marks
    ]
    verdict = "sound_after_corrections" if spans else "sound"
    return {"prompt": prompt, "response": response}, {"spans": spans, "verdict": verdict}


def demonstration(prompt: str, answer: str) -> tuple[Json, Json]:
    """Return a task and its answer."""
    return {"prompt": prompt}, {"answer": answer, "citations": []}


def creative(brief: str, piece: str) -> tuple[Json, Json]:
    """Return a task and its piece."""
    return {"brief": brief}, {"piece": piece}


PSYCHIATRY: Final = (
    factuality(
        "A patient starts lithium. When should the first level be taken, and at what time of day?",
        "Take the first level two days after starting, at any time of day. It should be a trough, so most clinics take "
        "it twelve hours after the last dose. Repeat it after every change of dose.",
        ("two days after starting", "contradicted", "Steady state takes about five half-lives; product label.",
         "five to seven days after starting"),
        ("at any time of day", "contradicted", "The next sentence says trough; twelve hours after the dose.", ""),
    ),
    factuality(
        "Can sertraline be taken in the morning and in the evening alike?",
        "Yes. Sertraline is taken once a day, morning or evening, with or without food. If it disturbs sleep, the "
        "morning is the better choice.",
    ),
    factuality(
        "What should be checked before clozapine is started?",
        "A full blood count is required before the first dose and then every month for the first eighteen weeks. "
        "Weight, glucose and lipids are taken as a baseline. Constipation should be asked about, since it can kill.",
        ("every month for the first eighteen weeks", "contradicted", "Counts are weekly at first; national registries.",
         "every week for the first eighteen weeks"),
    ),
    factuality(
        "How long should an antidepressant be continued after a first episode has remitted?",
        "It is usually continued for six to nine months after remission. After three or more episodes, two years or "
        "longer is discussed. All patients relapse if it is stopped earlier.",
        ("All patients relapse if it is stopped earlier.", "unsupported", "Risk is raised, not certain; reviews of "
         "discontinuation trials.", "The risk of relapse is higher if it is stopped earlier."),
    ),
    factuality(
        "A patient on an SSRI asks about adding St John's wort. What do you tell them?",
        "It is a herbal product and therefore safe to combine. It does lower the effect of some contraceptives. If "
        "they wish to try it, they should tell their pharmacist.",
        ("It is a herbal product and therefore safe to combine.", "contradicted",
         "Serotonin toxicity with SSRIs; interaction tables.", "It should not be combined with an SSRI."),
    ),
    factuality(
        "Which baseline tests does valproate need in an adult?",
        "Liver function and a full blood count before starting. Pregnancy must be excluded and contraception agreed "
        "where it applies. An electroencephalogram is required by law.",
        ("An electroencephalogram is required by law.", "invented", "No such rule in any label I know.", ""),
    ),
    factuality(
        "What is the first step when acute dystonia follows haloperidol?",
        "Give an anticholinergic such as benztropine by injection, and watch the airway. It resolves within minutes. "
        "Continue it by mouth for a few days.",
    ),
    factuality(
        "How is delirium told from dementia at the bedside?",
        "Delirium comes on over hours to days and fluctuates; attention is impaired first. Dementia comes on over "
        "months. A clock drawing alone tells the two apart reliably.",
        ("A clock drawing alone tells the two apart reliably.", "unsupported",
         "No single test does; attention tests and a history are needed.", ""),
    ),
)  # fmt: skip

LITIGATION: Final = (
    demonstration(
        "Opposing counsel produced a privileged letter by mistake, and our associate has read the first page. What now?",
        "Stop reading now, write down what was seen and by whom, and tell the other side today. Sequester every copy, "
        "the vendor's included. Whether privilege was waived is for the court: do not use the page in the meantime, and "
        "check the clawback clause of the protective order before writing the letter.",
    ),
    demonstration(
        "Outline a reply to a motion to compel that asks for all messages of six employees over four years.",
        "Lead with proportionality. One: what was produced, with numbers. Two: the custodians who matter are two, and why. "
        "Three: a concrete offer, with search terms and dates. Four: cost, sworn to by the vendor. Close with the request "
        "that each side bear its own, and attach the meet-and-confer letters in order.",
    ),
    demonstration(
        "A witness changes her account between deposition and trial. How do you use it on cross?",
        "Commit her to today's version in one sentence, commit her to the care she took in the deposition, then read the "
        "question and the answer from the transcript by page and line. Do not ask why. Sit down.",
    ),
    demonstration(
        "Explain to a client's board what a litigation hold asks of them this week.",
        "Nothing that may bear on the dispute is deleted, by people or by systems, until counsel says so. This week: name "
        "one person who answers for it, switch off automatic deletion for the named accounts, and send every person on "
        "the list the notice, with a line to confirm. Phones count.",
    ),
    demonstration(
        "We missed the deadline for an expert report by one day. Draft the structure of the request for relief.",
        "Start with the fact and the day, without adjectives. Then the cause, sworn. Then why nobody is harmed: the trial "
        "date stands and the other side has had the report since. Then the remedy, with the time offered to them in turn.",
    ),
    demonstration(
        "When would you advise against moving for summary judgment though you think you would win it?",
        "When it shows the other side your trial, when the judge rarely grants it, or when the record will be better after "
        "two more depositions. A motion that is denied sets the price of settlement higher.",
    ),
)

FICTION: Final = (
    creative(
        "150 words. A lighthouse keeper receives a parcel that was meant for the keeper before.",
        "The parcel had his predecessor's name in a hand that pressed hard on the downstrokes. He set it on the table where "
        "the radio was and went up to trim the lamp that no longer needed trimming. In the evening it was still there. "
        "Inside, wool. Grey socks, three pairs, the heels turned the way his mother turned them, and no letter. He wrote "
        "to the address that the fish van had given up on. He wrote that the man had gone in March, and how. He wrote that "
        "the socks were dry. Then he put on one pair, since the floor was stone, and wrote that too.",
    ),
    creative(
        "120 words. Two sisters divide a kitchen.",
        "Anna took the big pot because Anna had children. Ruth took the knife because Ruth could keep an edge. The scales "
        "they stood between them and neither reached. 'You used to sit on that stool,' Anna said, 'and read me the weights.' "
        "'You used to cheat,' said Ruth. Outside the van had its lights on. They put the scales in a box with both their names.",
    ),
    creative(
        "150 words. A radio announcer reads a name he knows.",
        "He had read lists before: ferries, winners, the closed roads of the north. The name came eleventh, between a street and "
        "a school. He read it as he had read the ten. Afterwards people said that they had heard nothing. His wife, who had "
        "been cutting bread, said that he had breathed in before it, and that he never breathed in before a name.",
    ),
    creative(
        "100 words. The last day of a swimming pool.",
        "They let the water out at four. It went slowly, and the boys lay on their stomachs at the edge to see what was under "
        "it, as if there would be more than tiles. There was a ring. The attendant held it up by the light and asked whose. "
        "Every woman over sixty said that it was not hers, and looked.",
    ),
    creative("140 words. A tailor measures a man who is leaving.", ""),
    creative("100 words. Somebody returns a library book after thirty years.", ""),
)

NIGHTJAR: Final = (
    demonstration("Explain to a family why an involuntary hold was started last night, in words they can keep.", ""),
    demonstration("Write the note you would leave for the morning team after a night of agitation on the ward.", ""),
    demonstration("A patient asks whether antidepressants change who they are. Answer them.", ""),
    demonstration("Set out a taper of lorazepam after eight years, for a patient who has tried twice.", ""),
)
