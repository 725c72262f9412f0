//! The provider's pages: a folder for each, with its handler and its view.
//!
//! Views are Leptos components that are rendered on the server, without hydration and without
//! script. What all pages share is in [`layout`], [`policy`], [`response`] and [`error`].

pub(crate) mod authorization;
pub(crate) mod consent;
pub(crate) mod device;
pub(crate) mod error;
mod form_post;
pub(crate) mod grants;
pub(crate) mod home;
pub(crate) mod layout;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod policy;
pub(crate) mod response;
mod session;
mod utc_time;
