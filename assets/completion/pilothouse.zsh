#compdef pilothouse

_pilothouse() {
    local line directive=0 name
    local -a asked choices
    asked=("${words[1,CURRENT]}")
    while IFS= read -r line; do
        case "$line" in
        :[0-9]*) directive="${line#:}" ;;
        _activeHelp_*) _message -r "${line#_activeHelp_ }" ;;
        *)
            name="${line%%$'\t'*}"
            name="${name//:/\\:}"
            [[ "$line" == *$'\t'* ]] && name+=":${line#*$'\t'}"
            choices+=("$name")
            ;;
        esac
    done < <("${asked[1]}" @REQUEST@ "${asked[@]:1}" 2>/dev/null)
    (( directive & 1 )) && return 1
    local -a spacing
    (( directive & 2 )) && spacing=(-S '')
    (( ${#choices} )) && _describe -V 'completions' choices "${spacing[@]}" && return 0
    (( directive & 4 )) || _files
}

if [ "$funcstack[1]" = "_pilothouse" ]; then
    _pilothouse "$@"
else
    compdef _pilothouse pilothouse
fi
