{{/* Name of the chart, cut to what a label may hold. */}}
{{- define "<CHARTNAME>.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Name of the objects: the release's, with the chart's unless it is in it already. */}}
{{- define "<CHARTNAME>.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* What every object is labelled with. */}}
{{- define "<CHARTNAME>.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "<CHARTNAME>.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* What never changes between versions, and selects the pods. */}}
{{- define "<CHARTNAME>.selectorLabels" -}}
app.kubernetes.io/name: {{ include "<CHARTNAME>.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: web
{{- end }}

{{/* Where the database is, as environment variables. */}}
{{- define "<CHARTNAME>.databaseEnv" -}}
{{- $database := .Values.database -}}
{{- $external := .Values.externalDatabase -}}
{{- if $database.enabled -}}
{{- $name := printf "%s-database" .Release.Name | trunc 63 | trimSuffix "-" -}}
- name: DATABASE_HOST
  value: {{ $name | quote }}
- name: DATABASE_PORT
  value: "5432"
- name: DATABASE_NAME
  value: {{ $database.auth.database | quote }}
- name: DATABASE_USER
  value: {{ $database.auth.username | quote }}
- name: DATABASE_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ default $name $database.auth.existingSecret }}
      key: password
{{- else -}}
- name: DATABASE_HOST
  value: {{ required "externalDatabase.host is needed when database.enabled is false" $external.host | quote }}
- name: DATABASE_PORT
  value: {{ $external.port | quote }}
- name: DATABASE_NAME
  value: {{ $external.database | quote }}
- name: DATABASE_USER
  value: {{ $external.username | quote }}
{{- with $external.existingSecret }}
- name: DATABASE_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: password
{{- end }}
{{- end }}
{{- end }}
