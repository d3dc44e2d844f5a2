# fish completion for pilothouse

function __pilothouse_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] @REQUEST@ $words[2..-1] "$current" 2>/dev/null | string match -v -r '^(:[0-9]+|_activeHelp_.*)$'
end

function __pilothouse_no_files
    set -l words (commandline -opc)
    set -l directive ($words[1] @REQUEST@ $words[2..-1] (commandline -ct) 2>/dev/null | string match -r '^:([0-9]+)$')
    test (math "bitand($directive[2], 4)") -ne 0
end

complete -c pilothouse -e
complete -c pilothouse -n __pilothouse_no_files -f
complete -c pilothouse -a '(__pilothouse_complete)'
