"""Trade bills: who may fetch which, for how long, and the zip itself."""

from __future__ import annotations

import io
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from sandbox.alipay.naming import BEIJING, beijing
from sandbox.alipay.refusals import Refusal
from sandbox.alipay.store import Movement, Shop
from sandbox.alipay.trades import parts, subject_of, yuan
from sandbox.behaviour import MARK, has_odd_row

VALID = timedelta(seconds=30)
NINE = timedelta(hours=9)
EMPTY = "EMPTY_DATA_WITH_BILL_FILE"
HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,"
    "对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,"
    "商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)
PID = "2088000000000156"


class Cabinet:
    """The bills of one account, sorted by day and month once."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    @cached_property
    def by_label(self) -> dict[str, list[Movement]]:
        found: defaultdict[str, list[Movement]] = defaultdict(list)
        for movement in self.shop.movements:
            if movement.type != "收费":
                found[beijing(movement.at, "%Y-%m-%d")].append(movement)
                found[beijing(movement.at, "%Y-%m")].append(movement)
        return found

    def zipped(self, label: str) -> bytes:
        movements = self.by_label.get(label, [])
        stem = f"{PID}_{label.replace('-', '')}_业务明细"
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            # The summary comes first, as it sometimes does.
            for name, text in (
                (f"{stem}(汇总).csv", summary(movements)),
                (f"{stem}.csv", details(movements, label)),
            ):
                archive.writestr(gbk_named(name), text.encode("gb18030"))
        return file.getvalue()


class Desk:
    """Hands out addresses that are good for half a minute."""

    def __init__(self, shops: dict[str, Shop], origin: str) -> None:
        self.cabinets = {account: Cabinet(shop) for account, shop in shops.items()}
        self.origin = origin
        self.issued: dict[str, tuple[str, str, datetime]] = {}

    def address(self, account: str, content: dict[str, Any], now: datetime) -> dict[str, Any]:
        if content.get("bill_type") != "trade":
            raise Refusal("40004", "TYPE_NOT_SUPPORTED", "账单类型不支持")
        label = str(content.get("bill_date"))
        if now < ready(label):
            raise Refusal("40004", "BILL_NOT_EXIST", "账单不存在")
        token = f"{account}-{len(self.issued) + 1}"
        self.issued[token] = (account, label, now)
        url = f"{self.origin}/alipay/downloadBillFile.resource?fileId={token}"
        empty = {} if label in self.cabinets[account].by_label else {"bill_file_code": EMPTY}
        return {"bill_download_url": url, **empty}

    def file(self, token: str, now: datetime) -> bytes | None:
        """None for an address that was never given, or no longer holds."""
        account, label, issued = self.issued.get(token, ("", "", now))
        if not account or now - issued > VALID:
            return None
        return self.cabinets[account].zipped(label)


def ready(label: str) -> datetime:
    """When the bill of a day or month is there; refuses what is neither."""
    try:
        _, following = days(label)
    except ValueError:
        raise Refusal("40004", "INVAILID_ARGUMENTS", "入参不合法") from None
    more = timedelta(days=2 if len(label) == 7 else 0)
    return datetime(following.year, following.month, following.day, tzinfo=BEIJING) + more + NINE


def days(label: str) -> tuple[date, date]:
    """The first day of a bill, and that after its last. Raises ValueError."""
    if len(label) == 7:
        first = date.fromisoformat(f"{label}-01")
        return first, (first + timedelta(days=31)).replace(day=1)
    return date.fromisoformat(label), date.fromisoformat(label) + timedelta(days=1)


def details(movements: Iterable[Movement], label: str) -> str:
    file = io.StringIO()
    first, end = (f"{day:%Y年%m月%d日} 00:00:00" for day in days(label))
    file.write(f"#支付宝业务明细查询\r\n#账号：[{PID}]\r\n")
    file.write(f"#起始日期：[{first}]   终止日期：[{end}]\r\n")
    file.write(f"#{'业务明细列表':-^80}\r\n{HEADER}\r\n")
    counts: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    for movement in movements:
        counts[movement.type] += 1
        sums[movement.type] += movement.amount
        # Nothing is quoted, not even a name that holds a quote.
        file.write(",".join(row(movement)) + "\r\n")
        if has_odd_row() and counts.total() == 1:
            counts[movement.type] += 1
            file.write(",".join(odd(row(movement))) + "\r\n")
    file.write(f"#{'业务明细列表结束':-^80}\r\n")
    for kind in ("交易", "退款"):
        file.write(f"#{kind}合计：{counts[kind]}笔，商家实收共{yuan(sums[kind])}元\r\n")
    file.write(f"#导出时间：[{label}]\r\n")
    return file.getvalue()


def row(movement: Movement) -> list[str]:
    """Numbers are padded with a tab, so that spreadsheets leave them alone."""
    payment, back = movement.trade.payment, movement.refund
    paid = [
        yuan(payment.amount),
        yuan(movement.trade.received),
        "0.00",
        yuan(parts(payment, "points")),
        yuan(parts(payment, "coupon", "promotion", funder="provider")),
        yuan(movement.trade.merchant_paid),
    ]
    given = [yuan(movement.amount)] * 2 + ["0.00"] * 4
    fee = "0.00" if back else yuan(-(payment.fee or 0))
    return [
        payment.native_id + "\t",
        movement.trade.out_trade_no + "\t",
        movement.type + "\t",
        subject_of(payment) + "\t",
        beijing(payment.created_at),
        beijing(movement.at),
        *[""] * 4,
        "*三(159****5620)\t",
        *(given if back else paid),
        "0.00",
        "",
        "0.00",
        "0.00",
        (back.native_id.partition("-")[2] if back else "") + "\t",
        fee,
        "0.00",
        "",
    ]


def odd(cells: list[str]) -> list[str]:
    """With a comma in the name of what was sold, which nothing quotes."""
    return [f"{MARK}\t", *cells[1:3], f"牛奶,{MARK}\t", *cells[4:]]


def summary(movements: Iterable[Movement]) -> str:
    total = sum(m.amount for m in movements)
    return f"#支付宝业务汇总查询\r\n门店编号,门店名称,交易订单总笔数\r\n合计,,{yuan(total)}\r\n"


class _Plain(zipfile.ZipInfo):
    """A member whose name is written as it stands, in bytes of GBK, without the flag of UTF-8."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode("cp437"), self.flag_bits & ~0x800


def gbk_named(name: str) -> zipfile.ZipInfo:
    info = _Plain(name.encode("gbk").decode("cp437"), (2026, 1, 2, 9, 12, 33))
    info.compress_type = zipfile.ZIP_DEFLATED
    return info
