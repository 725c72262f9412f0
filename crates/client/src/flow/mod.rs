//! The operations of the client, one file for each use case (sign-in, its callback, renewal,
//! sign-out, calls to APIs), and the messages they send and receive.

pub(crate) mod api;
pub(crate) mod callback;
pub(crate) mod claims;
pub(crate) mod exchange;
mod initiated;
mod password;
pub(crate) mod pending;
pub(crate) mod renewal;
pub(crate) mod resource;
pub(crate) mod response;
mod retry;
mod signin;
mod signout;
pub(crate) mod step_up;
pub(crate) mod tokens;
mod watch;
