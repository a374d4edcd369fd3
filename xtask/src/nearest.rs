//! A suggestion for a name that does not exist.

/// The known name that is most like a mistyped one (Jaro-Winkler similarity), as the end of a
/// message: "; did you mean basic?". Empty if none is like it.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    const LIKE: f64 = 0.8;
    let scored = known.into_iter().map(|known| (strsim::jaro_winkler(name, known), known));
    let nearest = scored.max_by(|one, other| one.0.total_cmp(&other.0)).filter(|(score, _)| *score > LIKE);
    nearest.map(|(_, known)| format!("; did you mean {known}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_gets_the_nearest() {
        assert_eq!(did_you_mean("basik", ["basic", "endurance"]), "; did you mean basic?");
        assert_eq!(did_you_mean("login", ["basic", "endurance"]), "");
    }
}
