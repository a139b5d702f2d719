//! The event sources that send HTTP events.

/// The front door that sent an event, which knows how to answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An API Gateway REST API.
    RestApi,
    /// An HTTP API with payload 1.0, whose events and answers are a REST API's.
    HttpApiPayload1,
    /// An API Gateway HTTP API.
    HttpApi,
    /// A function URL.
    FunctionUrl,
    /// An Application Load Balancer.
    Alb {
        /// Whether its target group has multi-value headers enabled.
        multi_value: bool,
    },
    /// VPC Lattice.
    Lattice,
    /// An API Gateway WebSocket API. Its events are not requests, and their response is a REST API's.
    WebSocket,
}
