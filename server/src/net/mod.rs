//! Listeners and what every request goes through, whichever part answers it.

mod bind;
mod connections;
mod health;
mod layers;
mod management;
mod observe;

pub use self::{
    bind::{Listener, bind},
    connections::{Part, serve},
    health::{Draining, Readiness, health},
    layers::with_layers,
    management::{Metrics, management},
    observe::Observer,
};
