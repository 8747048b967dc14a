// XEP-0004: Data Forms, version 2.13.2 (2024-08-30), https://xmpp.org/extensions/xep-0004.html

import { child, childrenOf, childText, tag, textOf, type XmlElement } from '../stanza/element.ts'

/** Namespace or form type. */
export const dataForms = 'jabber:x:data'
const x = tag(dataForms)

/** One field of a form. */
export interface FormField {
  readonly var: string
  readonly type?: string
  readonly values: readonly string[]
}

/** A data form; `formType` is the value of its hidden `FORM_TYPE` (XEP-0068). */
export interface DataForm {
  readonly type: 'form' | 'submit' | 'cancel' | 'result'
  readonly formType?: string
  readonly fields: readonly FormField[]
}

/** The form as XML; `FORM_TYPE` comes first. */
export function buildForm(form: DataForm): XmlElement {
  return x(
    'x',
    { type: form.type },
    form.formType === undefined ? undefined : field({ var: 'FORM_TYPE', type: 'hidden', values: [form.formType] }),
    ...form.fields.map(field),
  )
}

function field(source: FormField): XmlElement {
  return x('field', { var: source.var, type: source.type }, ...source.values.map((value) => x('value', {}, value)))
}

/** The form in an element; `undefined` when it is none. Fields without `var` are left out. */
export function parseForm(source: XmlElement | undefined): DataForm | undefined {
  if (source === undefined || source.name !== 'x' || source.ns !== dataForms) return undefined
  const type = source.attrs['type']
  if (type !== 'form' && type !== 'submit' && type !== 'cancel' && type !== 'result') return undefined
  const fields: FormField[] = []
  let formType: string | undefined
  for (const item of childrenOf(source, 'field')) {
    const name = item.attrs['var']
    if (name === undefined) continue
    if (name === 'FORM_TYPE') formType = childText(item, 'value')
    else {
      const values = childrenOf(item, 'value').map(textOf)
      const kind = item.attrs['type']
      fields.push({ var: name, ...(kind === undefined ? {} : { type: kind }), values })
    }
  }
  return { type, ...(formType === undefined ? {} : { formType }), fields }
}

/** The first form directly inside an element. */
export function formIn(parent: XmlElement): DataForm | undefined {
  return parseForm(child(parent, 'x', dataForms))
}

/** The first value of a field. */
export function fieldValue(form: DataForm | undefined, name: string): string | undefined {
  return form?.fields.find((item) => item.var === name)?.values[0]
}

/** Whether a boolean field says yes (`1` or `true`). */
export function fieldTrue(form: DataForm | undefined, name: string): boolean {
  const value = fieldValue(form, name)
  return value === '1' || value === 'true'
}

/** A form to submit: `FORM_TYPE` and single values. */
export function submission(formType: string, values: Readonly<Record<string, string | readonly string[]>>): DataForm {
  const fields = Object.entries(values).map(([name, value]) => ({
    var: name,
    values: typeof value === 'string' ? [value] : value,
  }))
  return { type: 'submit', formType, fields }
}
