//! `[audit]`: how long records are kept, and where they are sent.

use std::{fs, path::Path};

use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::time::Seconds,
    use_case::audit_trail::{AuditSettings, WebhookKey},
};

use super::super::{AuditConfig, ConfigError, SettingSources, WebhookConfig, file::AuditSection};

/// More would be no retention but a mistake: a hundred years.
const MOST_DAYS: u32 = 36_500;
const SECONDS_PER_DAY: u32 = 86_400;

/// Checks how records are kept and sent. `is_used`: by this process.
pub fn check(
    section: AuditSection,
    is_used: bool,
    sources: &SettingSources,
) -> Result<AuditConfig, ConfigError> {
    let days = section.keep_days;
    if days > MOST_DAYS {
        return Err(sources.refuse("audit.keep_days", days, "give at most 36500, or 0 for ever"));
    }
    let keep = days.checked_mul(SECONDS_PER_DAY).filter(|seconds| *seconds > 0).map(Seconds::new);
    let settings = AuditSettings { keep, refusals_per_minute: section.refusals_per_minute };
    Ok(AuditConfig { settings, webhook: webhook(section, is_used, sources)? })
}

fn webhook(
    section: AuditSection,
    is_used: bool,
    sources: &SettingSources,
) -> Result<Option<WebhookConfig>, ConfigError> {
    let AuditSection { webhook_url, webhook_secret, webhook_secret_file, .. } = section;
    let secret = match (webhook_secret, webhook_secret_file) {
        (Some(_), Some(file)) => {
            let problem = "the secret is also given by audit.webhook_secret: give one of the two";
            return Err(sources.refuse("audit.webhook_secret_file", file.display(), problem));
        }
        (None, Some(_)) if !is_used => return Ok(None),
        (None, Some(file)) => Some(read(&file, sources)?),
        (secret, None) => secret,
    };
    let (url, secret) = match (webhook_url, secret) {
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            let problem = "it has no effect without audit.webhook_url: give both";
            return Err(sources.refuse("audit.webhook_secret", "", problem));
        }
        (Some(url), None) => {
            let problem = "give audit.webhook_secret, too: the receiver checks the signature by it";
            return Err(sources.refuse("audit.webhook_url", url.as_str(), problem));
        }
        (Some(url), Some(secret)) => (url, secret),
    };
    let key = WebhookKey::parse(&secret)
        .map_err(|error| sources.refuse("audit.webhook_secret", "", error.to_string()))?;
    Ok(Some(WebhookConfig { url: url.as_str().to_owned(), key }))
}

fn read(file: &Path, sources: &SettingSources) -> Result<Secret, ConfigError> {
    let text = fs::read_to_string(file).map_err(|error| {
        let problem = format!("it can't be read: {error}");
        sources.refuse("audit.webhook_secret_file", file.display(), problem)
    })?;
    Ok(Secret::new(text.trim()))
}
