"""The rules that hold for the manager of a contract net, kept by somebody else than the service.

A small model of the protocol's engine (FIPA SC00029): it knows every session from what went to and fro,
and fails on an act that the protocol does not allow. What comes too late it turns down, as the engine does.
"""

from typing import Literal, final

from caxton.domain.ids import AgentId
from caxton.tasks.act import Act, Heard

Stage = Literal["called", "proposed", "declined", "silent", "awarded", "rejected", "ended", "cancelled"]
_LIVE = {"called", "proposed", "awarded"}


@final
class Referee:
    """Judges one conversation."""

    def __init__(self, call: Act, now_s: float) -> None:
        assert call.performative == "cfp"
        assert call.reply_by_s is not None
        assert call.conversation_ttl_s is not None
        self.due_s = now_s + call.reply_by_s
        self.awards_max = call.max_awards or 1
        self.call = call
        self.stages: dict[AgentId, Stage] = dict.fromkeys(call.receivers, "called")
        self.proposals: dict[AgentId, str] = {}
        self.award_ids: dict[AgentId, str] = {}
        self.cancelling: dict[AgentId, str] = {}
        self.awards = 0

    def judge(self, act: Act, message_id: str, now_s: float) -> None:
        """Fail on an act of the manager that is not allowed."""
        self._pass_deadline(now_s)
        for agent in act.receivers:
            stage = self.stages[agent]
            match act.performative:
                case "accept-proposal":
                    assert stage == "proposed", f"an award to a participant that is {stage}"
                    assert act.in_reply_to == self.proposals[agent]
                    self.awards += 1
                    assert self.awards <= self.awards_max
                    self.stages[agent] = "awarded"
                    self.award_ids[agent] = message_id
                case "reject-proposal":
                    assert stage == "proposed", f"a rejection of a participant that is {stage}"
                    assert act.in_reply_to == self.proposals[agent]
                    self.stages[agent] = "rejected"
                case "cancel":
                    assert stage in _LIVE, f"a cancellation of a participant that is {stage}"
                    assert agent not in self.cancelling
                    assert act.in_reply_to == self.call.reply_with
                    self.cancelling[agent] = message_id
                case _:
                    raise AssertionError(f"a manager never says {act.performative}")

    def admit(self, heard: Heard, now_s: float) -> bool:
        """Take a participant's message; False for one that the engine would not let through."""
        self._pass_deadline(now_s)
        agent, performative, message_id = heard.agent, heard.performative, heard.message_id
        stage, cites = self.stages[agent], heard.in_reply_to
        if cites is not None and cites == self.cancelling.get(agent):
            if performative not in {"inform", "failure", "not-understood"}:
                return False
            del self.cancelling[agent]
            if performative == "inform":
                self.stages[agent] = "cancelled"
            return True
        match stage, performative:
            case "called", "propose":
                self.stages[agent] = "proposed"
                self.proposals[agent] = message_id
            case "called", "refuse" | "not-understood" | "failure":
                self.stages[agent] = "declined"
            case "awarded", "inform" | "failure" | "not-understood" if cites == self.award_ids[agent]:
                self.stages[agent] = "ended"
            case _:
                return False
        return True

    def _pass_deadline(self, now_s: float) -> None:
        if now_s > self.due_s:
            for agent, stage in self.stages.items():
                if stage == "called":
                    self.stages[agent] = "silent"
