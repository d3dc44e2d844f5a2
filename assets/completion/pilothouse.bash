# bash completion for pilothouse

__pilothouse_complete() {
    local current="${COMP_WORDS[COMP_CWORD]}" words line directive=0 choices=()
    # Bash splits at "=" and ":"; the program wants the words as they were typed.
    local typed="${COMP_LINE:0:COMP_POINT}"
    read -r -a words <<<"$typed"
    [[ "$typed" == *" " ]] && words+=("")
    [[ "${words[-1]}" == -*=* && "$COMP_WORDBREAKS" == *=* ]] && current="${words[-1]#*=}"
    while IFS= read -r line; do
        case "$line" in
        :[0-9]*) directive="${line#:}" ;;
        _activeHelp_*) ;;
        *) [[ "$line" == "$current"* ]] && choices+=("$line") ;;
        esac
    done < <("${words[0]}" @REQUEST@ "${words[@]:1}" 2>/dev/null)
    ((directive & 1)) && return
    if ((directive & 2)); then compopt -o nospace; fi
    if ((directive & 4)); then compopt +o default; fi
    # A description helps to choose, and must not be inserted.
    if ((${#choices[@]} == 1)) || [[ "$COMP_TYPE" != 63 ]]; then
        COMPREPLY=("${choices[@]%%$'\t'*}")
    else
        COMPREPLY=("${choices[@]/$'\t'/  -- }")
    fi
}

complete -o default -F __pilothouse_complete pilothouse
