# PowerShell completion for pilothouse

Register-ArgumentCompleter -Native -CommandName 'pilothouse' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $words = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
    $arguments = @($words | Select-Object -Skip 1)
    if ($wordToComplete -eq '') { $arguments += '""' }
    $answers = & $words[0] '@REQUEST@' @arguments 2>$null
    foreach ($answer in $answers) {
        if ($answer -match '^:\d+$' -or $answer -like '_activeHelp_*') { continue }
        $name, $description = $answer -split "`t", 2
        if (-not $name.StartsWith($wordToComplete)) { continue }
        if (-not $description) { $description = $name }
        [System.Management.Automation.CompletionResult]::new($name, $name, 'ParameterValue', $description)
    }
}
