"""The actions behind the console's routes. They use the same functions as the command line, and decide nothing."""

from holdfast.console.desk.campaigns import CampaignsDesk
from holdfast.console.desk.known import KnownDesk
from holdfast.console.desk.messages import MessagesDesk
from holdfast.console.desk.numbers import NumbersDesk
from holdfast.console.desk.queues import QueuesDesk


class Desk(CampaignsDesk, MessagesDesk, KnownDesk, NumbersDesk, QueuesDesk):
    """All of them at one desk."""
