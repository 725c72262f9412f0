//! A client's address for logout, as the operator writes it.

use crate::model::{
    client::{ClientSettings, RedirectUri},
    settings_error::SettingsError,
};

/// `front_channel_logout_uri` or `back_channel_logout_uri`, with whether the client must be told
/// which session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutUri {
    /// The address: https, or http on this machine; no fragment.
    pub uri: String,
    /// Whether the client gets the session's `sid`; without it all the user's sessions at the
    /// client end.
    pub session_required: bool,
}

/// Checks a client's addresses: for the front channel, for the back channel.
pub(crate) fn logout_uris(
    settings: &ClientSettings,
) -> Result<(Option<LogoutUri>, Option<LogoutUri>), SettingsError> {
    let front = parse(
        "front_channel_logout_uri",
        settings.front_channel_logout_uri.as_ref(),
        settings.front_channel_logout_session_required,
    )?;
    let back = parse(
        "back_channel_logout_uri",
        settings.back_channel_logout_uri.as_ref(),
        settings.back_channel_logout_session_required,
    )?;
    Ok((front, back))
}

fn parse(
    key: &'static str,
    uri: Option<&String>,
    session_required: bool,
) -> Result<Option<LogoutUri>, SettingsError> {
    let Some(uri) = uri else { return Ok(None) };
    let registered =
        RedirectUri::parse(uri.clone()).map_err(|problem| SettingsError::new(key, uri, problem))?;
    if registered.origin().is_none() {
        return Err(SettingsError::new(key, uri, "use https, or http on localhost"));
    }
    Ok(Some(LogoutUri { uri: uri.clone(), session_required }))
}
