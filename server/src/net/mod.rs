//! Listeners, connections, and the layers that every request passes, whichever part answers it.

mod admission;
mod bind;
mod connections;
mod health;
mod layers;
mod management;
mod observe;
mod stream;

pub use self::{
    admission::{Admission, affordable_connections},
    bind::{Listener, bind},
    connections::{ConnectionTimes, Part, serve},
    health::{Draining, Readiness, health},
    layers::with_layers,
    management::{Metrics, management},
    observe::Observer,
    stream::WriteLimits,
};
