"""Distributed Maps of Step Functions, as far as moto's engine goes about them in another way."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.stepfunctions.parser.api import ExecutionFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

if TYPE_CHECKING:
    from localaws.cloud import Cloud

TOO_MANY = StatesErrorNameType.StatesExceedToleratedFailureThreshold


def install(cloud: "Cloud") -> None:
    """Put the replacement in place for this process."""
    DistributedIterationComponent._map_run = run_map(cloud, DistributedIterationComponent._map_run)


def run_map(cloud: "Cloud", original: Callable[..., None]) -> Callable[..., None]:
    """Return a ``_map_run`` that asks the machine's role whether it may start executions, and that fails when one of them does."""

    def run(self: Any, env: Any, eval_input: Any) -> None:
        role = cloud.guard.role(env.aws_execution_details.role_arn, "map-run")
        cloud.guard.check(role, "states:StartExecution", [env.states.context_object.context_object_data["StateMachine"]["Id"]])
        original(self, env=env, eval_input=eval_input)
        if env.is_running() and eval_input.map_run_record.item_counter.failed.get():  # else the machine was stopped, and its shards with it
            raise _failure(env)

    return run


def _failure(env: Any) -> FailureEventException:
    details = ExecutionFailedEventDetails(error=TOO_MANY.to_name(), cause="The specified tolerated failure threshold was exceeded")
    event = EventDetails(executionFailedEventDetails=details)
    return FailureEventException(FailureEvent(env, StatesErrorName(TOO_MANY), HistoryEventType.MapRunFailed, event))
