//! `[tls]`, and whether URLs and listeners agree on the scheme.

use std::path::Path;

use super::{
    Certificate, ConfigError, Role, SettingSources, TlsConfig, check::urls, file::ConfigFile,
    values,
};

/// The development authority is kept beside the database, in a folder with this name.
const DEVELOPMENT_FOLDER: &str = "tls";

/// Checks the section, and that the URLs of these parts fit it.
pub fn check(
    file: &ConfigFile,
    roles: &[Role],
    sources: &SettingSources,
) -> Result<TlsConfig, ConfigError> {
    let certificate = certificate(file, sources)?;
    for (key, url) in urls(file, roles) {
        let problem = match &certificate {
            Some(_) if url.starts_with("http:") => "the listeners use TLS: use https",
            Some(Certificate::Development { .. }) if !values::is_loopback(url) => {
                "the certificate for development is for this machine only: set tls.certificate and \
                 tls.key"
            }
            _ => continue,
        };
        return Err(sources.refuse(key, url, problem));
    }
    let issuer = file.provider.issuer.as_str();
    let proxied = !file.provider.trusted_proxies.is_empty();
    if certificate.is_none()
        && issuer.starts_with("https:")
        && roles.contains(&Role::Provider)
        && !proxied
    {
        let problem = "nobody speaks TLS there: set tls.certificate and tls.key, or list the \
                       reverse proxy that does under \
                       provider.trusted_proxies";
        return Err(sources.refuse("provider.issuer", issuer, problem));
    }
    Ok(TlsConfig { certificate, trusted_ca: file.tls.trusted_ca.clone() })
}

fn certificate(
    file: &ConfigFile,
    sources: &SettingSources,
) -> Result<Option<Certificate>, ConfigError> {
    let section = &file.tls;
    match (&section.certificate, &section.key) {
        (Some(certificate), Some(_)) if section.development => {
            let problem = "tls.development asks for another certificate: give only one of the two";
            Err(sources.refuse("tls.certificate", certificate.display(), problem))
        }
        (Some(certificate), Some(key)) => {
            Ok(Some(Certificate::Files { certificate: certificate.clone(), key: key.clone() }))
        }
        (Some(certificate), None) => Err(sources.refuse(
            "tls.certificate",
            certificate.display(),
            "give its private key as well: tls.key",
        )),
        (None, Some(key)) => Err(sources.refuse(
            "tls.key",
            key.display(),
            "give its certificate as well: tls.certificate",
        )),
        (None, None) => {
            let beside = file.store.path.parent().unwrap_or(Path::new(""));
            let folder = beside.join(DEVELOPMENT_FOLDER);
            Ok(section.development.then_some(Certificate::Development { folder }))
        }
    }
}
