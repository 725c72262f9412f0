//! What the provider stores, and the pure rules on it. Nothing here reads a clock, a database or
//! the network, and nothing here imports another floor.

pub mod client;
pub mod client_access;
pub mod configured_user;
pub mod consent;
pub mod device_code;
pub mod device_cookie;
pub mod grant;
pub mod logout_notice;
pub mod message_identity;
pub mod password;
pub mod paths;
pub mod provider_settings;
pub mod pushed_request;
pub mod resource;
pub mod session;
pub mod session_state;
pub mod settings_error;
pub mod shared_secret;
pub mod signing_key;
pub mod stored_client;
pub mod target;
pub mod throttle;
pub mod time;
pub mod token_handle;
pub(crate) mod token_type;
pub mod user;
pub mod user_code;
