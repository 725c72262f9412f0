//! What our clients authenticate by at other providers is encrypted in the store. It is bound to
//! its kind and to the name of the provider.

use doorward_protocol::secret::Secret;

use super::{MasterKey, UnsealError};
use crate::model::{
    identity_provider::IdentityProviderName,
    stored_identity_provider::{Credential, CredentialKind, SealedCredential},
};

/// Encrypts the credential of this provider.
pub fn seal(
    master: &MasterKey,
    name: &IdentityProviderName,
    credential: &Credential,
) -> Result<SealedCredential, UnsealError> {
    let kind = credential.kind;
    let sealed = master.seal(&purpose(name, kind), credential.value.expose().as_bytes())?;
    Ok(SealedCredential { kind, sealed })
}

/// Decrypts it.
pub fn open(
    master: &MasterKey,
    name: &IdentityProviderName,
    credential: &SealedCredential,
) -> Result<Credential, UnsealError> {
    let kind = credential.kind;
    let bytes = master.unseal(&purpose(name, kind), &credential.sealed)?;
    let text = String::from_utf8(bytes).map_err(|_| UnsealError)?;
    Ok(Credential { kind, value: Secret::new(text) })
}

fn purpose(name: &IdentityProviderName, kind: CredentialKind) -> String {
    format!("identity provider {}:{name}", kind.name())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_same_provider_and_kind_is_opened_by_the_same_key() {
        let [one, two] = ["one", "two"].map(|name| name.parse().unwrap());
        let credential =
            Credential { kind: CredentialKind::Secret, value: Secret::new("a secret of ours") };
        let key = MasterKey::from_bytes(&[1; 32]).unwrap();
        let sealed = seal(&key, &one, &credential).unwrap();
        assert_eq!(open(&key, &one, &sealed).unwrap(), credential);
        let shown = format!("{credential:?} {sealed:?}");
        assert!(!shown.contains("secret of ours"), "{shown}");
        let bytes = sealed.sealed.as_bytes();
        assert!(!bytes.windows(7).any(|window| window == b"of ours"), "it is encrypted");
        assert!(open(&key, &two, &sealed).is_err());
        assert!(open(&MasterKey::from_bytes(&[2; 32]).unwrap(), &one, &sealed).is_err());
        let as_key = SealedCredential { kind: CredentialKind::Key, ..sealed };
        assert!(open(&key, &one, &as_key).is_err());
    }
}
