"""Opens UnionPay's answers: nothing of one is used before its signature was found good."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.errors import Malformed, Retryable, SourceError
from connectors.transport import Response
from connectors.unionpay.errors import AGAIN, http_error, refusal
from connectors.unionpay.message import Message, Raw
from connectors.unionpay.payloads import PRIVATE
from connectors.unionpay.trust import Trust

RSA_SHA256 = "01"


class Answers:
    """The answers to one merchant."""

    def __init__(self, source: str, merchant_id: str, trust: Trust) -> None:
        self._source = source
        self._merchant_id = merchant_id
        self._trust = trust

    def judge(self, response: Response) -> SourceError | None:
        """The transport's judge, so that what UnionPay is too busy for is asked again.

        All else is left to `fields`, which knows what was asked for: nothing is verified twice.
        """
        if (error := http_error(self._source, response)) is not None:
            return error
        if response.body and _claimed(response.body) not in AGAIN:
            return None
        try:
            self.opened(response.body, {})
        except SourceError as failure:
            return failure
        return None

    def fields(self, raw: bytes, asked: Mapping[str, str]) -> dict[str, str]:
        """The fields of a good answer, without those that tell who paid."""
        return self.opened(raw, asked).fields(without=PRIVATE)

    def opened(self, raw: Raw, asked: Mapping[str, str]) -> Message:
        """An answer that UnionPay gave to us, and in which it did what was asked.

        An empty one is no answer: UnionPay says to ask again.
        """
        if not len(raw):
            raise Retryable(self._source, "an empty answer")
        try:
            message = Message(raw)
            self._verify(message)
            self._match(message, asked)
            code, merchant = message.text("respCode"), message.text("merId")
        except ValueError:
            raise Malformed(self._source, "the answer is not a message of UnionPay's") from None
        if (error := refusal(self._source, code)) is not None:
            raise error
        if not merchant:
            raise Malformed(self._source, "an answer that names no merchant")
        return message

    def _match(self, message: Message, asked: Mapping[str, str]) -> None:
        """Signed answers could be played back, refusals too. Those may leave out what was asked,
        but not tell it otherwise.
        """
        if message.text("merId") not in ("", self._merchant_id):
            raise Malformed(self._source, "an answer to another merchant")
        if any(message.text(name) not in ("", value) for name, value in asked.items()):
            raise Malformed(self._source, "an answer about something else than was asked for")

    def _verify(self, message: Message) -> None:
        signature, certificate = message.text("signature"), message.text("signPubKeyCert")
        if not signature or not certificate:
            raise Malformed(self._source, "the answer is not signed")
        if message.text("signMethod") != RSA_SHA256:
            raise Malformed(self._source, "the answer is signed in a way that was not asked for")
        if not self._trust.key(certificate).accepts(message.digest(), signature):
            raise Malformed(self._source, "the answer's signature is wrong")


def _claimed(raw: bytes) -> str:
    """The respCode of an answer that nobody verified yet: it decides only who does."""
    try:
        return Message(raw).text("respCode")
    except ValueError:
        return ""
