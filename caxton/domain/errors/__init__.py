"""Everything that can go wrong in a way that a caller is told about.

Four questions order the classes: whose fault is it (`fault`), may the same call be tried again
(`retryable`), what does the caller see (`code`, `http_status`, `message`, `details()`, `hint`), and
does the process survive (always: an error here ends one call).

The families follow the rooms of the server. A class that sets `code` owns that code; a class that
refines another one (`NoRoute` is an `AgentNotFound` met by a message) inherits it. Fields are kept
as they were given, the sentences are made from them when somebody reads them.
"""

from caxton.domain.errors.agent import (
    AgentAlreadyExists,
    AgentFailed,
    AgentNotFound,
    FaultKind,
    InvalidState,
    InvalidWasm,
)
from caxton.domain.errors.deployment import DeploymentFailed, DeploymentNotFound
from caxton.domain.errors.observability import CursorUnknown
from caxton.domain.errors.request import (
    ConfigurationInvalid,
    InvalidPercentage,
    InvalidRatio,
    InvalidRequest,
    NotFound,
    ParseError,
    ParseKind,
)
from caxton.domain.errors.resource import RateLimited, ResourceLimitExceeded, StorageFull, Unavailable
from caxton.domain.errors.routing import (
    ConversationNotFound,
    DeadlineExceeded,
    InvalidMessage,
    InvalidMessageFormat,
    MailboxFull,
    MessageNotFound,
    MessageTooLarge,
    NobodyCapable,
    NobodyFree,
    NoRoute,
    ProtocolViolation,
)
from caxton.domain.errors.security import Forbidden, Unauthorized
from caxton.domain.errors.taxonomy import (
    AgentError,
    CaxtonError,
    ConfigurationError,
    DeploymentError,
    Fault,
    InternalError,
    ObservabilityError,
    ResourceError,
    RoutingError,
    SecurityError,
)

__all__ = [
    "AgentAlreadyExists",
    "AgentError",
    "AgentFailed",
    "AgentNotFound",
    "CaxtonError",
    "ConfigurationError",
    "ConfigurationInvalid",
    "ConversationNotFound",
    "CursorUnknown",
    "DeadlineExceeded",
    "DeploymentError",
    "DeploymentFailed",
    "DeploymentNotFound",
    "Fault",
    "FaultKind",
    "Forbidden",
    "InternalError",
    "InvalidMessage",
    "InvalidMessageFormat",
    "InvalidPercentage",
    "InvalidRatio",
    "InvalidRequest",
    "InvalidState",
    "InvalidWasm",
    "MailboxFull",
    "MessageNotFound",
    "MessageTooLarge",
    "NoRoute",
    "NobodyCapable",
    "NobodyFree",
    "NotFound",
    "ObservabilityError",
    "ParseError",
    "ParseKind",
    "ProtocolViolation",
    "RateLimited",
    "ResourceError",
    "ResourceLimitExceeded",
    "RoutingError",
    "SecurityError",
    "StorageFull",
    "Unauthorized",
    "Unavailable",
]
