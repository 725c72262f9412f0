//! What the endpoints and pages share: how a request is read, and the headers of a response.

pub(crate) mod access_token;
pub(crate) mod audit;
pub(crate) mod client_authentication;
pub(crate) mod cookies;
pub(crate) mod cors;
pub(crate) mod csrf;
pub(crate) mod dpop;
pub(crate) mod even_time;
pub(crate) mod form;
pub(crate) mod fresh_session;
pub(crate) mod get_or_post;
pub(crate) mod json_document;
pub(crate) mod oauth_error;
pub(crate) mod peer;
pub(crate) mod refusal;
pub(crate) mod return_url;
pub(crate) mod signed;
pub(crate) mod user_agent;
