//! The world of the tests: a provider, an application, and browsers.

mod browser;
mod provider;
mod world;

pub use self::{
    browser::Browser,
    provider::{Provider, WITHOUT_ITS_NONCE, nonce_of, now, proof_claims},
    world::{CLIENT, Kept, ORDERS_API, ORIGIN, World},
};
