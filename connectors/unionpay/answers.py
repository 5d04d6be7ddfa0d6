"""Opens UnionPay's answers: nothing of one is used before its signature was found good."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.errors import Malformed, Retryable, SourceError
from connectors.transport import Response
from connectors.unionpay.errors import http_error, refusal
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
        """The transport's judge, so that what UnionPay is too busy for is asked again."""
        try:
            self.fields(response)
        except SourceError as error:
            return error
        return None

    def fields(self, response: Response) -> dict[str, str]:
        """The fields of a good answer, without those that tell who paid."""
        if (error := http_error(self._source, response)) is not None:
            raise error
        message = self.opened(response.body)
        try:
            return message.fields(without=PRIVATE)
        except ValueError:
            raise Malformed(self._source, "the answer is not UTF-8") from None

    def opened(self, raw: Raw) -> Message:
        """An answer that UnionPay gave to us, and in which it did what was asked.

        An empty one is no answer: UnionPay says to ask again.
        """
        if not len(raw):
            raise Retryable(self._source, "an empty answer")
        try:
            message = Message(raw)
            self._verify(message)
            code, merchant = message.text("respCode"), message.text("merId")
        except ValueError:
            raise Malformed(self._source, "the answer is not a message of UnionPay's") from None
        if (error := refusal(self._source, code)) is not None:
            raise error
        if merchant != self._merchant_id:
            raise Malformed(self._source, "an answer to another merchant")
        return message

    def _verify(self, message: Message) -> None:
        signature, certificate = message.text("signature"), message.text("signPubKeyCert")
        if not signature or not certificate:
            raise Malformed(self._source, "the answer is not signed")
        if message.text("signMethod") != RSA_SHA256:
            raise Malformed(self._source, "the answer is signed in a way that was not asked for")
        if not self._trust.key(certificate).accepts(message.digest(), signature):
            raise Malformed(self._source, "the answer's signature is wrong")


def echoes(asked: Mapping[str, str], told: Mapping[str, str]) -> bool:
    """Whether an answer is about what was asked: signed answers could be played back."""
    return all(told.get(name) == value for name, value in asked.items())
