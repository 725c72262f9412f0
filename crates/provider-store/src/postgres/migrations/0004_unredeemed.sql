-- To take access back reads what could still become a grant, not what became one or was never called up.
CREATE INDEX codes_unredeemed ON codes (expires_at) WHERE redeemed_grant_id IS NULL;
CREATE INDEX device_codes_claimed ON device_codes (claimed_by) WHERE claimed_by IS NOT NULL;
