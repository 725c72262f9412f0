//! The provider's pages: a folder for each, with its handler and its view.
//!
//! Views are Leptos components that are rendered on the server, without hydration and without
//! script. What all pages share is in [`layout`], [`policy`], [`response`] and [`error`].

pub(crate) mod account;
mod account_form;
pub(crate) mod authenticator;
pub(crate) mod authorization;
pub(crate) mod consent;
pub(crate) mod demo_mail;
pub(crate) mod device;
pub(crate) mod error;
pub(crate) mod external;
pub(crate) mod forgot_password;
mod form_post;
pub(crate) mod grants;
pub(crate) mod home;
pub(crate) mod invitation;
pub(crate) mod layout;
mod leaving;
mod link_request;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod passkey_options;
pub(crate) mod passkeys;
pub(crate) mod policy;
pub(crate) mod preview;
mod qr_code;
pub(crate) mod recovery_codes;
pub(crate) mod register;
mod registration;
pub(crate) mod reset_password;
pub(crate) mod response;
pub(crate) mod second_step;
mod session;
pub(crate) mod upstream;
mod utc_time;
pub(crate) mod verify_email;
