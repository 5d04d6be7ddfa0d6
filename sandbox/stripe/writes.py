"""What can be written: customers, payment intents and what happens to them, refunds."""

from __future__ import annotations

from typing import Any

from sandbox import goods
from sandbox.stripe import params as read
from sandbox.stripe.charges import charge_object, refund_object
from sandbox.stripe.errors import StripeError, invalid, missing, missing_parameter, refused
from sandbox.stripe.ids import derived
from sandbox.stripe.objects import (
    billing_details,
    customer_object,
    intent_object,
    payment_error,
    payment_method_object,
    redirect,
)
from sandbox.stripe.params import Params
from sandbox.stripe.store import Store

Object = dict[str, Any]
CUSTOMER_TEXTS = ("description", "email", "name", "phone", "tax_exempt")
CUSTOMER_OTHER = (
    "address", "balance", "cash_balance", "expand", "invoice_prefix", "invoice_settings",
    "metadata", "next_invoice_sequence", "payment_method", "preferred_locales", "shipping",
    "source", "tax", "tax_id_data", "test_clock",
)  # fmt: skip
INTENT_PARAMETERS = (
    "amount", "amount_details", "automatic_payment_methods", "capture_method", "confirm",
    "confirmation_method", "currency", "customer", "description", "error_on_requires_action",
    "excluded_payment_method_types", "expand", "mandate", "metadata", "off_session",
    "on_behalf_of", "payment_method", "payment_method_data", "payment_method_options",
    "payment_method_types", "receipt_email", "return_url", "setup_future_usage", "shipping",
    "statement_descriptor", "statement_descriptor_suffix", "use_stripe_sdk",
)  # fmt: skip
REFUND_PARAMETERS = (
    "amount", "charge", "currency", "customer", "expand", "instructions_email", "metadata",
    "origin", "payment_intent", "reason", "refund_application_fee", "reverse_transfer",
)  # fmt: skip
CAPTURE_PARAMETERS = (
    "amount_details", "amount_to_capture", "application_fee_amount", "expand", "final_capture",
    "hooks", "metadata", "payment_details", "statement_descriptor", "statement_descriptor_suffix",
    "transfer_data",
)  # fmt: skip
REFUND_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
CANCEL_REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
CANCELABLE = (
    "requires_payment_method", "requires_capture", "requires_confirmation", "requires_action",
    "processing",
)  # fmt: skip
# Test payment methods to how the card answers.
DECLINED = {
    "pm_card_chargeDeclined": "card_declined",
    "pm_card_visa_chargeDeclined": "card_declined",
    "pm_card_chargeDeclinedInsufficientFunds": "insufficient_funds",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
    "pm_card_chargeDeclinedExpiredCard": "expired_card",
    "pm_card_chargeDeclinedProcessingError": "processing_error",
}
CHALLENGED = ("pm_card_authenticationRequired", "pm_card_threeDSecure2Required")
WORST_AMOUNT = 99_999_999


class Writer:
    """Writes into one account at one moment; what it adds is searchable `lag` seconds later."""

    def __init__(self, store: Store, now: float, lag: float) -> None:
        self.store = store
        self.now = int(now)
        self.searchable_at = now + lag

    def add(self, obj: Object) -> Object:
        return self.store.add(obj, self.searchable_at)

    def new_id(self, prefix: str, noun: str, length: int = 23) -> str:
        count = len(self.store.tables[noun].by_id)
        return derived(prefix, self.store.account.name, noun, count, "written", length=length)

    def customer(self, params: Params) -> Object:
        """`POST /v1/customers`."""
        read.only(params, (*CUSTOMER_TEXTS, *CUSTOMER_OTHER))
        given = {name: params[name] or None for name in CUSTOMER_TEXTS if name in params}
        given |= {name: params[name] for name in ("address", "shipping") if name in params}
        metadata = read.metadata(params)
        native_id = self.new_id("cus_", "customer", 14)
        return self.add(customer_object(native_id, self.now, metadata=metadata, **given))

    def intent(self, params: Params) -> Object:
        """`POST /v1/payment_intents`, confirmed at once when asked."""
        read.only(params, INTENT_PARAMETERS)
        currency = read.required(params, "currency").lower()
        amount = charged_amount(params, currency)
        confirm = read.boolean(params, "confirm")
        method = read.text(params, "payment_method")
        if confirm and method is None:
            raise invalid(
                "You cannot confirm this PaymentIntent because it's missing a payment method.",
                "payment_method",
                "payment_intent_unexpected_state",
            )
        native_id = self.new_id("pi_3", "payment_intent")
        intent = intent_object(
            native_id,
            self.now,
            amount,
            currency,
            capture_method=read.choice(params, "capture_method", CAPTURE_METHODS) or "automatic",
            customer=self.known("customer", params),
            description=read.text(params, "description"),
            metadata=read.metadata(params),
            receipt_email=read.text(params, "receipt_email"),
            status="requires_confirmation" if method else "requires_payment_method",
        )
        if method is not None:
            intent["payment_method"] = derived("pm_1", native_id, length=23)
        self.add(intent)
        if method is not None:
            owner = billing_details(self.store.get("customer", intent["customer"]))
            self.store.add(payment_method_object(intent, "card", owner))
        if confirm and method is not None:
            self.confirm(intent, method)
        return intent

    def known(self, noun: str, params: Params) -> str | None:
        """The id of an object that must exist if it is named."""
        native_id = read.text(params, noun)
        if native_id is not None and self.store.get(noun, native_id) is None:
            raise missing(noun, native_id, noun, status=400)
        return native_id

    def confirm(self, intent: Object, method: str) -> None:
        """Charge the card: it pays, asks for its holder, or declines (402)."""
        if method in CHALLENGED:
            intent |= {"status": "requires_action", "next_action": redirect(intent["id"])}
            return
        failure = DECLINED.get(method)
        billing = billing_details(self.store.get("customer", intent["customer"]))
        status = "failed" if failure else "succeeded"
        charge = self.add(charge_object(intent, self.now, status, billing, failure=failure))
        intent["latest_charge"] = charge["id"]
        if failure is not None:
            raise self.declined(intent, charge, failure)
        if intent["capture_method"] == "manual":
            intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        else:
            self.captured(intent, charge, intent["amount"])

    def declined(self, intent: Object, charge: Object, failure: str) -> StripeError:
        method = self.store.get("payment_method", intent["payment_method"]) or {}
        error = payment_error(failure, charge["id"], method)
        intent |= {"status": "requires_payment_method", "last_payment_error": error}
        intent["payment_method"] = None
        body = {name: value for name, value in error.items() if name not in ("message", "type")}
        return StripeError(
            402, error["message"], kind="card_error", executed=True, payment_intent=intent, **body
        )

    def captured(self, intent: Object, charge: Object, amount: int) -> None:
        fee = goods.provider_fee(amount, intent["currency"].upper())
        charge |= {"captured": True, "amount_captured": amount}
        charge["balance_transaction"] = self.store.book(charge, "charge", amount, fee)
        self.release(charge, charge["amount"] - amount)
        intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}

    def capture(self, native_id: str, params: Params) -> Object:
        """`POST /v1/payment_intents/{id}/capture`."""
        read.only(params, CAPTURE_PARAMETERS)
        intent = self.the_intent(native_id)
        if intent["status"] != "requires_capture":
            raise unexpected(intent, "captured", ("requires_capture",))
        amount = intent["amount_capturable"]
        if "amount_to_capture" in params:
            amount = read.integer(params["amount_to_capture"], "amount_to_capture")
            divisible(amount, intent["currency"], "amount_to_capture")
        if not 0 < amount <= intent["amount_capturable"]:
            raise refused(
                "The amount_to_capture is greater than the remaining amount you can capture "
                f"for this PaymentIntent: {intent['amount_capturable']}.",
                "amount_too_large",
                param="amount_to_capture",
            )
        charge = self.store.get("charge", intent["latest_charge"])
        assert charge is not None
        self.captured(intent, charge, amount)
        return intent

    def cancel(self, native_id: str, params: Params) -> Object:
        """`POST /v1/payment_intents/{id}/cancel`."""
        read.only(params, ("cancellation_reason", "expand"))
        reason = read.choice(params, "cancellation_reason", CANCEL_REASONS)
        intent = self.the_intent(native_id)
        if intent["status"] not in CANCELABLE:
            raise unexpected(intent, "canceled", CANCELABLE)
        intent |= {
            "status": "canceled",
            "canceled_at": self.now,
            "cancellation_reason": reason,
            "amount_capturable": 0,
            "next_action": None,
        }
        charge = self.store.get("charge", intent["latest_charge"])
        if charge is not None and charge["paid"]:
            self.release(charge, charge["amount"])
        return intent

    def release(self, charge: Object, amount: int) -> None:
        """What is not captured goes back to the payer's limit, told as a refund of the charge."""
        if amount:
            made = refund_object(charge, self.new_id("re_3", "refund"), self.now, amount)
            self.store.release(charge, made)

    def the_intent(self, native_id: str) -> Object:
        intent = self.store.get("payment_intent", native_id)
        if intent is None:
            raise missing("payment_intent", native_id, "intent")
        return intent

    def refund(self, params: Params) -> Object:
        """`POST /v1/refunds` of a charge, or of an intent's charge that went through."""
        read.only(params, REFUND_PARAMETERS)
        reason = read.choice(params, "reason", REFUND_REASONS)
        metadata = read.metadata(params)
        charge = self.refundable(params)
        rest = charge["amount"] - charge["amount_refunded"]
        amount = read.integer(params["amount"], "amount") if "amount" in params else rest
        if amount < 1 and "amount" in params:
            raise invalid("Invalid positive integer", "amount", "parameter_invalid_integer")
        divisible(amount, charge["currency"], "amount")
        check_refund(charge, amount, rest)
        made = refund_object(charge, self.new_id("re_3", "refund"), self.now, amount)
        made |= {"reason": reason, "metadata": metadata}
        self.add(made)
        made["balance_transaction"] = self.store.book(made, "refund", -amount)
        self.store.recount(charge)
        return made

    def refundable(self, params: Params) -> Object:
        named = [name for name in ("charge", "payment_intent") if read.text(params, name)]
        if not named:
            raise missing_parameter("payment_intent")
        if len(named) > 1 and "charge" in named:
            raise invalid("You may only specify one of these parameters: charge, payment_intent.")
        found = self.store.get(named[0], params[named[0]])
        if found is None:
            raise missing(named[0], params[named[0]], named[0])
        charge = found if named[0] == "charge" else self.store.get("charge", found["latest_charge"])
        if charge is None or not charge["paid"] or not charge["captured"]:
            owner = "PaymentIntent" if named[0] == "payment_intent" else "charge"
            raise refused(
                f"This {owner} ({found['id']}) does not have a successful charge to refund."
            )
        return charge


def charged_amount(params: Params, currency: str) -> int:
    if "amount" not in params:
        raise missing_parameter("amount")
    amount = read.integer(params["amount"], "amount")
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer"
        )
    if amount > WORST_AMOUNT:
        raise invalid(f"Amount must be no more than {WORST_AMOUNT}", "amount", "amount_too_large")
    divisible(amount, currency, "amount")
    return amount


def divisible(amount: int, currency: str, param: str) -> None:
    """Three-decimal currencies are charged in tens of a thousandth."""
    grain = goods.step(currency.upper())
    if amount % grain:
        message = f"Invalid amount for {currency}: the amount must be evenly divisible by {grain}."
        raise invalid(message, param, "invalid_charge_amount")


def check_refund(charge: Object, amount: int, rest: int) -> None:
    native_id = charge["id"]
    if charge["refunded"]:
        raise refused(f"Charge {native_id} has already been refunded.", "charge_already_refunded")
    if charge["disputed"]:
        raise refused(
            f"Charge {native_id} has been charged back; cannot issue a refund.",
            "charge_disputed",
        )
    if amount > rest:
        raise refused(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({rest})",
            param="amount",
        )


def unexpected(intent: Object, verb: str, allowed: tuple[str, ...]) -> StripeError:
    return refused(
        f"This PaymentIntent could not be {verb} because it has a status of {intent['status']}. "
        f"Only a PaymentIntent with one of the following statuses may be {verb}: "
        f"{', '.join(allowed)}.",
        "payment_intent_unexpected_state",
        payment_intent=intent,
    )
