"""The forms of this company's Galaxy: which fields they have, and which of them base data is.

The standard fields are Kingdee's; those that begin with F_TG_ are the company's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Bill = dict[str, Any]
Names = dict[int, str]


@dataclass(frozen=True, slots=True)
class Field:
    """`element` is Kingdee's word for its type, `refers` the form of base data it chooses from."""

    key: str
    label: str = ""
    element: str = "TextField"
    refers: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entity:
    """A head, what belongs to a head one to one, or lines (`name` as View spells them)."""

    key: str
    name: str
    kind: str
    fields: tuple[Field, ...]

    @property
    def pk(self) -> str:
        return f"{self.key}_FEntryID"


@dataclass(slots=True)
class Form:
    """`bills` hold the values of head fields, and lists of lines by the entity's key."""

    id: str
    label: str
    key: str
    number: str
    entities: tuple[Entity, ...]
    bills: list[Bill] = field(default_factory=list)

    @property
    def head(self) -> dict[str, Field]:
        return {f.key: f for e in self.entities if e.kind != "EntryEntity" for f in e.fields}

    @property
    def lines(self) -> tuple[Entity, ...]:
        return tuple(e for e in self.entities if e.kind == "EntryEntity")


def text(key: str, label: str = "") -> Field:
    return Field(key, label)


def time(key: str, label: str = "") -> Field:
    return Field(key, label, "DateTimeField")


def number(key: str, label: str = "", element: str = "AmountField") -> Field:
    return Field(key, label, element)


def base(key: str, refers: str, label: str = "") -> Field:
    return Field(key, label, "BaseDataField", refers)


def choice(key: str, label: str, *words: str) -> Field:
    return Field(key, label, "ComboField", words=words)


DOCUMENT = choice("FDocumentStatus", "单据状态", "Z", "A", "B", "C", "D")
VOIDED = choice("FCancelStatus", "作废状态", "A", "B")
CREATED = (time("FCreateDate", "创建日期"), time("FModifyDate", "最后修改日期"))


def head(*fields: Field) -> Entity:
    return Entity("FBillHead", "", "HeadEntity", fields)


def forms(parties: Iterable[str], payments: Iterable[str]) -> dict[str, Form]:
    """Every form, still without bills. `parties` and `payments` are the company's own fields for
    ids of customers and payments elsewhere."""
    known = (
        Form(
            "BD_Customer",
            "客户",
            "FCUSTID",
            "FNumber",
            (
                head(
                    text("FNumber", "客户编码"),
                    Field("FName", "客户名称", "MulLangTextField"),
                    text("FShortName", "客户简称"),
                    choice("FForbidStatus", "禁用状态", "A", "B"),
                    DOCUMENT,
                    *CREATED,
                    text("F_TG_Email", "邮箱"),
                    text("F_TG_Phone", "电话"),
                    choice("F_TG_Kind", "客户性质", "个人", "企业"),
                    text("F_TG_Tier", "等级"),
                    text("F_TG_Industry", "行业"),
                    *(text(key, "外部客户号") for key in parties),
                ),
            ),
        ),
        Form(
            "SAL_SaleOrder",
            "销售订单",
            "FID",
            "FBillNo",
            (
                head(
                    Field("FBillNo", "单据编号", "BillNoField"),
                    Field("FDate", "日期", "DateField"),
                    base("FCustId", "BD_Customer", "客户"),
                    DOCUMENT,
                    VOIDED,
                    choice("FCloseStatus", "关闭状态", "A", "B"),
                    *CREATED,
                    text("FNote", "备注"),
                    text("F_TG_Channel", "支付渠道"),
                    text("F_TG_WxRefundNo", "微信退款单号"),
                    *(text(key, "支付单号") for key in payments),
                ),
                Entity(
                    "FSaleOrderFinance",
                    "SaleOrderFinance",
                    "SubHeadEntity",
                    (base("FSettleCurrId", "BD_Currency", "结算币别"), number("FBillAllAmount")),
                ),
                Entity(
                    "FSaleOrderEntry",
                    "SaleOrderEntry",
                    "EntryEntity",
                    (
                        number("FSeq", "序号", "IntegerField"),
                        base("FMaterialId", "BD_MATERIAL", "物料编码"),
                        number("FQty", "销售数量", "QtyField"),
                        number("FTaxPrice", "含税单价", "PriceField"),
                        number("FAllAmount", "价税合计"),
                    ),
                ),
                Entity(
                    "FSaleOrderPlan",
                    "SaleOrderPlan",
                    "EntryEntity",
                    (number("FRecAdvanceAmount", "应收金额"), number("FRecAmount", "实收金额")),
                ),
            ),
        ),
        Form("AR_RECEIVEBILL", "收款单", "FID", "FBillNo", (money("FRECAMOUNTFOR", "收款金额"),)),
        Form(
            "AR_REFUNDBILL",
            "收款退款单",
            "FID",
            "FBillNo",
            (money("FREFUNDTOTALAMOUNTFOR", "退款金额"),),
        ),
        Form("BD_MATERIAL", "物料", "FMATERIALID", "FNumber", (named(),)),
        Form("BD_Currency", "币别", "FCURRENCYID", "FNumber", (named(),)),
    )
    return {form.id.casefold(): form for form in known}


def named() -> Entity:
    return head(text("FNumber", "编码"), Field("FName", "名称", "MulLangTextField"), DOCUMENT)


def money(amount: str, label: str) -> Entity:
    """The head of a bill of money received or given back."""
    return head(
        Field("FBillNo", "单据编号", "BillNoField"),
        time("FDATE", "业务日期"),
        choice("FDOCUMENTSTATUS", "单据状态", "Z", "A", "B", "C", "D"),
        *CREATED,
        base("FCONTACTUNIT", "BD_Customer", "往来单位"),
        base("FCURRENCYID", "BD_Currency", "币别"),
        number(amount, label),
        text("FTHIRDBILLNO", "第三方单据编号"),
        text("F_TG_OrderNo", "销售订单号"),
    )
