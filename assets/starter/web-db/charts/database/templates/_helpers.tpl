{{/* Name of the objects, which the parent chart knows. */}}
{{- define "database.fullname" -}}
{{- printf "%s-database" .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "database.selectorLabels" -}}
app.kubernetes.io/name: database
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "database.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "database.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* The password given, the one in the cluster, or a new one. */}}
{{- define "database.password" -}}
{{- $stored := lookup "v1" "Secret" .Release.Namespace (include "database.fullname" .) }}
{{- if .Values.auth.password }}
{{- .Values.auth.password | b64enc }}
{{- else if $stored }}
{{- index $stored.data "password" }}
{{- else }}
{{- randAlphaNum 24 | b64enc }}
{{- end }}
{{- end }}
