"""Words by which people name tables, fields and states in the languages these systems are kept in.

Used to propose a mapping; nothing is mapped by them unless an operator has accepted it.
"""

from __future__ import annotations

from connectors.metadata import ColumnType

TABLES: dict[str, tuple[str, ...]] = {
    "customers": ("customer", "account", "contact", "client", "company", "客户", "会员", "联系人"),
    "orders": ("order", "sales order", "deal", "opportunity", "订单", "销售订单", "合同"),
}
ATTRIBUTES: dict[str, dict[str, tuple[str, ...]]] = {
    "customers": {
        "id": ("customer no", "customer number", "code", "id", "客户编号", "客户编码", "编码"),
        "created_at": ("created at", "create date", "create time", "创建时间", "创建日期"),
        "updated_at": ("updated at", "last modified", "modify date", "更新时间", "修改日期"),
        "name": ("name", "customer name", "company name", "客户名称", "名称", "姓名"),
        "email": ("email", "e mail", "mail", "邮箱", "电子邮件", "邮件"),
        "phones": ("phone", "mobile", "mobile phone", "tel", "电话", "手机", "联系电话"),
        "tier": ("tier", "level", "grade", "等级", "级别", "客户等级"),
        "industry": ("industry", "行业"),
        "status": ("status", "状态"),
    },
    "orders": {
        "id": ("id", "order id", "order no", "单据内码", "订单编号", "单号"),
        "created_at": ("created at", "create date", "create time", "创建时间", "创建日期"),
        "updated_at": ("updated at", "last modified", "modify date", "更新时间", "修改日期"),
        "number": (
            "number",
            "order number",
            "order no",
            "bill no",
            "订单号",
            "订单编号",
            "单据编号",
            "单号",
        ),
        "total": (
            "total",
            "amount",
            "total amount",
            "order amount",
            "金额",
            "总金额",
            "订单金额",
            "价税合计",
        ),
        "placed_at": (
            "order date",
            "placed at",
            "date",
            "订单日期",
            "下单时间",
            "下单日期",
            "日期",
        ),
        "customer": ("customer", "account", "客户", "客户编号", "customer no"),
        "status": ("status", "order status", "state", "stage", "状态", "订单状态", "付款状态"),
        "paid_amount": ("paid amount", "received amount", "已付金额", "实收金额"),
        "refunded_amount": ("refunded amount", "refund amount", "已退金额", "退款金额"),
        "channel": ("payment channel", "payment method", "支付方式", "支付渠道", "付款方式"),
    },
}
CURRENCY = (
    "currency",
    "currency code",
    "currency iso code",
    "order currency",
    "币种",
    "币别",
    "结算币别",
)
TYPES: dict[str, tuple[ColumnType, ...]] = {
    "created_at": (ColumnType.TIME,),
    "updated_at": (ColumnType.TIME,),
    "placed_at": (ColumnType.TIME,),
    "total": (ColumnType.NUMBER,),
    "paid_amount": (ColumnType.NUMBER,),
    "refunded_amount": (ColumnType.NUMBER,),
    "status": (ColumnType.CHOICE, ColumnType.TEXT),
    "customer": (ColumnType.RELATION, ColumnType.TEXT),
    "phones": (ColumnType.TEXT, ColumnType.OTHER),
}
"""The types that an attribute is usually kept in; text for others."""
NEEDED: dict[str, tuple[str, ...]] = {
    "customers": ("id", "created_at"),
    "orders": ("id", "created_at", "number"),
}
STATES: dict[str, tuple[str, ...]] = {
    "DRAFT": ("draft", "草稿", "开立", "暂存", "创建"),
    "PENDING_PAYMENT": ("pending", "unpaid", "pending payment", "待付款", "未付款", "待支付"),
    "PARTIALLY_PAID": ("partially paid", "partial", "部分付款", "部分支付"),
    "PAID": ("paid", "已付款", "已支付", "closed won", "closedwon"),
    "FULFILLED": ("fulfilled", "completed", "delivered", "已完成", "已发货", "完成"),
    "PARTIALLY_REFUNDED": ("partially refunded", "部分退款"),
    "REFUNDED": ("refunded", "已退款"),
    "CANCELED": ("canceled", "cancelled", "voided", "closed lost", "closedlost", "已取消", "作废"),
}
