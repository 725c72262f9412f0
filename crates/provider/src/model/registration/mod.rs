//! Clients that no operator wrote down: those that register themselves (RFC 7591) and those that
//! publish a document under their identifier (draft-ietf-oauth-client-id-metadata-document). Both
//! say in one vocabulary what they are; the settings of the provider say what they may be.

mod check;
mod document;
mod members;
mod metadata;
mod settings;
mod stored;

pub(crate) use self::stored::new_id;
pub use self::{
    check::RegistrationPolicy,
    document::DocumentUrl,
    members::MetadataError,
    metadata::{ApplicationType, AuthMethod, ClientMetadata, SubjectType},
    settings::{RegistrationMode, RegistrationSettings},
    stored::{Admission, RegisteredClient, RegistrationOutcome, RegistrationToken, registered_id},
};
