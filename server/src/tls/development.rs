//! A certificate for development, signed by our own authority. The first start makes the authority,
//! which is valid for this machine only.
//!
//! The authority is kept, so a browser must be told only once to trust it. The server's certificate
//! is made at each start.

use std::{
    fs,
    net::{Ipv4Addr, Ipv6Addr},
    path::Path,
};

use doorward_protocol::base64url;
use doorward_provider::model::time::{Clock as _, Entropy, SystemClock};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
    PKCS_ECDSA_P256_SHA256,
};
use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use time::{Duration, OffsetDateTime};

use super::files::CertificateError;
use crate::private_file;

/// The authority's certificate and private key.
const AUTHORITY: &str = "authority.pem";
/// The certificate alone, for browsers.
const TO_TRUST: &str = "authority.crt";
/// What separates the two.
const KEY_BEGINS: &str = "-----BEGIN PRIVATE KEY-----";
/// Names of this machine, and only those.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// Lifetime of the authority, in days.
const AUTHORITY_LIFE: i64 = 3650;
/// Lifetime of the server's certificate, in days. Browsers accept at most 398.
const CERTIFICATE_LIFE: i64 = 365;

/// A certificate for development.
#[derive(Debug)]
pub struct Development {
    /// The server's certificate and key.
    pub certified: CertifiedKey,
    /// The authority that signed it.
    pub authority: CertificateDer<'static>,
}

impl Development {
    /// Reads the authority in this folder, or makes it, and signs a certificate for this machine.
    pub fn open(
        folder: &Path,
        entropy: &dyn Entropy,
        provider: &CryptoProvider,
    ) -> Result<Self, CertificateError> {
        let path = folder.join(AUTHORITY);
        let unreadable =
            |reason| CertificateError::Unreadable { path: path.clone(), key: true, reason };
        let missing = |key| CertificateError::Missing { path: path.clone(), key };
        if !path.exists() {
            private_file::create_folder(folder).map_err(unreadable)?;
            let unique = base64url::encode(&entropy.bytes()[..8]);
            let made = new_authority().map_err(|error| unusable(&error, &path))?;
            private_file::create(&path, &made, &unique).map_err(unreadable)?;
        }
        // Another process may have been faster: what counts is what is in the file now.
        let text = fs::read_to_string(&path).map_err(unreadable)?;
        let authority =
            CertificateDer::from_pem_slice(text.as_bytes()).map_err(|_| missing(false))?;
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| missing(true))?;
        let public = text.split_once(KEY_BEGINS).map_or("", |(certificate, _)| certificate);
        fs::write(folder.join(TO_TRUST), public).map_err(unreadable)?;
        let (certificate, own_key) =
            sign(&NAMES, &authority, &key).map_err(|error| unusable(&error, &path))?;
        let certified = CertifiedKey::from_der(vec![certificate], own_key, provider);
        let certified = certified.map_err(CertificateError::Rejected)?;
        Ok(Self { certified, authority })
    }

    /// What a person has to do once.
    pub fn advice(folder: &Path) -> String {
        let file = folder.join(TO_TRUST);
        format!(
            "TLS with a development certificate: let your browser trust {}, an authority for this \
             machine only",
            file.display()
        )
    }
}

fn unusable(error: &rcgen::Error, path: &Path) -> CertificateError {
    CertificateError::Unusable(error.to_string(), path.to_owned(), true)
}

fn key_pair() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
}

/// Valid from yesterday, since clocks differ.
fn lasts(params: &mut CertificateParams, days: i64) {
    let now = OffsetDateTime::from_unix_timestamp(SystemClock.now().seconds())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    params.not_before = now - Duration::days(1);
    params.not_after = now + Duration::days(days);
}

/// An authority as PEM. Its name constraints protect other machines if its key is stolen (RFC 5280
/// section 4.2.1.10).
fn new_authority() -> Result<String, rcgen::Error> {
    let key = key_pair()?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Doorward development authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(Ipv4Addr::LOCALHOST.into(), 32)),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(
                Ipv6Addr::LOCALHOST.into(),
                128,
            )),
        ],
        excluded_subtrees: Vec::new(),
    });
    lasts(&mut params, AUTHORITY_LIFE);
    let certificate = params.self_signed(&key)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

/// A certificate for these names, with its key.
fn sign(
    names: &[&str],
    authority: &CertificateDer<'_>,
    key: &PrivateKeyDer<'_>,
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
    let issuer = Issuer::from_ca_cert_der(authority, KeyPair::try_from(key)?)?;
    let own = key_pair()?;
    let mut params =
        CertificateParams::new(names.iter().copied().map(str::to_owned).collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, "Doorward on this machine");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    lasts(&mut params, CERTIFICATE_LIFE);
    let certificate = params.signed_by(&own, &issuer)?;
    Ok((certificate.der().clone(), PrivateKeyDer::Pkcs8(own.serialize_der().into())))
}

/// What someone who stole the authority's key would try.
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub fn sign_for(folder: &Path, name: &str) -> CertificateDer<'static> {
    let text = fs::read(folder.join(AUTHORITY)).unwrap();
    let authority = CertificateDer::from_pem_slice(&text).unwrap();
    sign(&[name], &authority, &PrivateKeyDer::from_pem_slice(&text).unwrap()).unwrap().0
}
